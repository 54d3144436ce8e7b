/**
 * What the rollup adds to one span: spans below an open run, with the processor and without it, in one process. Prints
 * microseconds per span: the difference within a round, its median over rounds.
 *
 * `npm run bench:rollup`
 */
import { SpanKind, context, trace, type Attributes, type Context, type Tracer } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node'
import { RunIdGenerator, RunRollupProcessor, startRun } from 'runspan'

import { median, pairedRounds } from './paired.ts'

const spansPerUnit = 1000
const rounds = 200

const nullExporter: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

const kinds: Readonly<
  Record<string, { readonly kind: SpanKind; readonly start: Attributes; readonly end: Attributes }>
> = {
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
  const batch = new BatchSpanProcessor(nullExporter, { maxQueueSize: 1_000_000, scheduledDelayMillis: 3_600_000 })
  return new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: hasRollup ? [new RunRollupProcessor(), batch] : [batch],
  })
}

function spansBelow(tracer: Tracer, parent: Context, { kind, start, end }: (typeof kinds)[string]): void {
  for (let made = 0; made < spansPerUnit; made++) {
    const span = tracer.startSpan('work', { kind, attributes: start }, parent)
    for (const [key, value] of Object.entries(end)) span.setAttribute(key, value!)
    span.end()
  }
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const plain = provider(false)
const counting = provider(true)
console.log(`Node ${process.version}, ${rounds} rounds of ${spansPerUnit} spans`)
for (const [name, shape] of Object.entries(kinds)) {
  const side = (from: NodeTracerProvider) => ({
    unit: () => {
      const run = startRun('planner', { tracerProvider: from })
      run.with(() => spansBelow(from.getTracer('bench'), context.active(), shape))
      run.end()
      return Promise.resolve()
    },
    settle: () => from.forceFlush(),
  })
  const timed = await pairedRounds(
    { plain: side(plain), counting: side(counting) },
    { rounds, unitsPerBlock: 1, warmUpRounds: 50 },
  )
  const microsPerSpan = (nanos: number): number => nanos / spansPerUnit / 1000
  const added = median(timed.map((round) => microsPerSpan(round.counting - round.plain)))
  const base = median(timed.map((round) => microsPerSpan(round.plain)))
  console.log(`${name.padEnd(18)} ${base.toFixed(2)} µs without, ${added.toFixed(2)} µs more with the rollup`)
}
trace.disable()
