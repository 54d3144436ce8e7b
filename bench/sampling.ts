/**
 * What sampling costs: runs of a root, a model call and a tool call under several set-ups, each beside the same run
 * that is sampled and counted, and spans outside of runs that are dropped. Prints microseconds, the difference within a
 * round, its median over rounds.
 *
 * `npm run bench:sampling`
 */
import { ROOT_CONTEXT, SpanKind, context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  NodeTracerProvider,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import {
  RunIdGenerator,
  RunRollupProcessor,
  RunSampler,
  RunSamplingProcessor,
  startRun,
  type RollupOptions,
  type RunSamplingOptions,
} from 'runspan'

import { nullBatch } from './null-batch.ts'
import { median, pairedRounds } from './paired.ts'

const rounds = 300
const unitsPerBlock = 100

interface SetUp {
  readonly sampler: Sampler
  readonly sampling?: RunSamplingOptions
  readonly rollup?: RollupOptions
}

const on = (): Sampler => new ParentBasedSampler({ root: new AlwaysOnSampler() })
const off = (): Sampler => new ParentBasedSampler({ root: new AlwaysOffSampler() })

function provider({ sampler, sampling, rollup }: SetUp): NodeTracerProvider {
  const batch = nullBatch()
  const leaving: SpanProcessor = sampling === undefined ? batch : new RunSamplingProcessor(batch, sampling)
  return new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    sampler,
    spanProcessors: [new RunRollupProcessor({ prices: 'none', ...rollup }), leaving],
  })
}

const call = {
  kind: SpanKind.CLIENT,
  attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 812, 'gen_ai.usage.output_tokens': 64 },
}
const toolCall = { attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' } }

function runOf(from: NodeTracerProvider): () => Promise<void> {
  const tracer = from.getTracer('bench')
  return () => {
    const run = startRun('planner', { tracer, startMarker: false })
    run.with(() => {
      tracer.startSpan('chat', call).end()
      tracer.startSpan('execute_tool search', toolCall).end()
    })
    run.end()
    return Promise.resolve()
  }
}

/** A span below a span that was dropped, both outside of runs. */
function spanOutsideOf(from: NodeTracerProvider): () => Promise<void> {
  const tracer = from.getTracer('bench')
  const server = trace.setSpan(ROOT_CONTEXT, tracer.startSpan('GET /orders', { kind: SpanKind.SERVER }))
  return () => {
    tracer.startSpan('query', { kind: SpanKind.CLIENT }, server).end()
    return Promise.resolve()
  }
}

async function compare(
  base: SetUp,
  others: Readonly<Record<string, SetUp>>,
  unitOf: (from: NodeTracerProvider) => () => Promise<void>,
): Promise<void> {
  const side = (setUp: SetUp) => {
    const from = provider(setUp)
    return { unit: unitOf(from), settle: () => from.forceFlush() }
  }
  const sides = {
    base: side(base),
    ...Object.fromEntries(Object.entries(others).map(([name, one]) => [name, side(one)])),
  }
  const timed: readonly Readonly<Record<string, number>>[] = await pairedRounds(sides, {
    rounds,
    unitsPerBlock,
    warmUpRounds: 60,
  })
  console.log(`${'base'.padEnd(46)} ${(median(timed.map((round) => round['base']!)) / 1000).toFixed(2)} µs`)
  for (const name of Object.keys(others)) {
    const added = median(timed.map((round) => round[name]! - round['base']!)) / 1000
    const ratio = median(timed.map((round) => round[name]! / round['base']!))
    console.log(`${name.padEnd(46)} ${added >= 0 ? '+' : ''}${added.toFixed(2)} µs, ${ratio.toFixed(2)}×`)
  }
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
console.log(`Node ${process.version}, medians of ${rounds} rounds`)

console.log('\na run of three spans; base: sampled and counted')
await compare(
  { sampler: on() },
  {
    'control: the same': { sampler: on() },
    'RunSampler, sampled': { sampler: new RunSampler(on()) },
    'RunSampler, not sampled': { sampler: new RunSampler(off()) },
    'not sampled, roots leave': { sampler: new RunSampler(off()), sampling: {} },
    'not sampled, held, then its root leaves': { sampler: new RunSampler(off()), sampling: { keep: { failed: true } } },
    'not sampled, held, then kept': { sampler: new RunSampler(off()), sampling: { keep: { decide: () => true } } },
    'sampled, with metrics': { sampler: on(), rollup: { metrics: new MeterProvider() } },
  },
  runOf,
)

console.log('\na span outside of runs that is dropped; base: without RunSampler')
await compare(
  { sampler: off() },
  { 'control: the same': { sampler: off() }, RunSampler: { sampler: new RunSampler(off()) } },
  spanOutsideOf,
)
