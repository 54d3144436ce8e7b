/**
 * What the rollup adds to one span: spans below an open run, with the processor and without it, in one process. Prints
 * microseconds per span: the difference within a round, its median over rounds. Then the same beside more open runs, and
 * in runs of more spans: neither may matter.
 *
 * `npm run bench:rollup`
 */
import { SpanKind, context, trace, type Attributes, type Context, type Tracer } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { RunIdGenerator, RunRollupProcessor, startRun } from 'runspan'

import { nullBatch } from './null-batch.ts'
import { median, pairedRounds } from './paired.ts'

/** How much is measured. */
interface Size {
  readonly spansPerRun: number
  /** Runs that are open beside the one that is measured. */
  readonly openRuns: number
  readonly rounds: number
}
const usual: Size = { spansPerRun: 1000, openRuns: 0, rounds: 200 }
/** Spans per round, so that short runs are timed in blocks. */
const leastSpans = 1000

interface Shape {
  readonly kind: SpanKind
  readonly start: Attributes
  readonly end: Attributes
}

const shapes: Readonly<Record<string, Shape>> = {
  'tool call': {
    kind: SpanKind.INTERNAL,
    start: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
    end: {},
  },
  'HTTP request': {
    kind: SpanKind.CLIENT,
    start: { 'http.request.method': 'GET', 'server.address': 'search', 'url.full': 'http://search/find?q=1' },
    end: { 'http.response.status_code': 200 },
  },
  'tiered model call': {
    kind: SpanKind.CLIENT,
    start: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'google',
      'gen_ai.request.model': 'gemini-2.5-pro',
    },
    end: {
      'gen_ai.response.model': 'gemini-2.5-pro',
      'gen_ai.usage.input_tokens': 250_000,
      'gen_ai.usage.output_tokens': 64,
    },
  },
  'priced model call': {
    kind: SpanKind.CLIENT,
    start: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4.1-mini',
    },
    end: {
      'gen_ai.response.model': 'gpt-4.1-mini',
      'gen_ai.usage.input_tokens': 812,
      'gen_ai.usage.output_tokens': 64,
    },
  },
}

function provider(hasRollup: boolean): NodeTracerProvider {
  const batch = nullBatch()
  return new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: hasRollup ? [new RunRollupProcessor(), batch] : [batch],
  })
}

function spansBelow(tracer: Tracer, parent: Context, count: number, { kind, start, end }: Shape): void {
  for (let made = 0; made < count; made++) {
    const span = tracer.startSpan('work', { kind, attributes: start }, parent)
    for (const [key, value] of Object.entries(end)) span.setAttribute(key, value!)
    span.end()
  }
}

/** Microseconds per span without the rollup, and how many more with it. */
async function measured(shape: Shape, { spansPerRun, openRuns, rounds }: Size): Promise<readonly [number, number]> {
  const plain = provider(false)
  const counting = provider(true)
  const others = Array.from({ length: openRuns }, () =>
    startRun('other', { tracerProvider: counting, startMarker: false }),
  )
  const unitsPerBlock = Math.max(1, Math.round(leastSpans / spansPerRun))
  const side = (from: NodeTracerProvider) => ({
    unit: () => {
      const run = startRun('planner', { tracerProvider: from, startMarker: false })
      run.with(() => spansBelow(from.getTracer('bench'), context.active(), spansPerRun, shape))
      run.end()
      return Promise.resolve()
    },
    settle: () => from.forceFlush(),
  })
  const sides = { plain: side(plain), counting: side(counting) }
  const timed = await pairedRounds(sides, { rounds, unitsPerBlock, warmUpRounds: Math.ceil(rounds / 4) })
  for (const other of others) other.end()
  const microsPerSpan = (nanos: number): number => nanos / spansPerRun / 1000
  return [
    median(timed.map((round) => microsPerSpan(round.plain))),
    median(timed.map((round) => microsPerSpan(round.counting - round.plain))),
  ]
}

async function show(name: string, shape: Shape, size: Size): Promise<void> {
  const [base, added] = await measured(shape, size)
  console.log(`${name.padEnd(34)} ${base.toFixed(2)} µs without, ${added.toFixed(2)} µs more with the rollup`)
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
console.log(`Node ${process.version}, medians of ${usual.rounds} rounds`)
for (const [name, shape] of Object.entries(shapes)) await show(name, shape, usual)
for (const openRuns of [1, 1000, 10_000]) {
  await show(`model call, open runs: ${openRuns}`, shapes['priced model call']!, { ...usual, openRuns, rounds: 100 })
}
for (const spansPerRun of [10, 1000, 100_000]) {
  const rounds = spansPerRun > leastSpans ? 12 : 100
  await show(`model call, spans per run: ${spansPerRun}`, shapes['priced model call']!, {
    ...usual,
    spansPerRun,
    rounds,
  })
}
trace.disable()
