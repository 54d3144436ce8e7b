// One variant of the run bench in a process of its own, beside raw spans and a raw control. Plain JavaScript in the
// built package's directory layout, so that the oldest supported Node runs it too; started by run.ts.
import { fork } from 'node:child_process'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { trace } from '@opentelemetry/api'
import { RunIdGenerator, RunRollupProcessor } from 'runspan'
import { RunspanSpanProcessor } from 'runspan/export'
import { medianRatio, median, pairedRounds } from '../.cache/bench/paired.js'
import * as units from '../.cache/bench/units.js'

const { variant, sink, rounds, unitsPerBlock } = JSON.parse(process.argv[2])

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** Takes every span and drops it. */
const nullExporter = {
  export: (_spans, done) => done({ code: 0 }),
  forceFlush: async () => {},
  shutdown: async () => {},
}

const sinkProcess = fork(new URL('sink.mjs', import.meta.url))
const port = await new Promise((resolve) => sinkProcess.once('message', resolve))
const url = `http://127.0.0.1:${port}/v1/traces`

function exporting() {
  const options = { maxExportBatchSize: 512, scheduledDelayMillis: 3_600_000 }
  if (sink === 'runspan') return new RunspanSpanProcessor({ url, ...options })
  const exporter = sink === 'null' ? nullExporter : new OTLPTraceExporter({ url })
  return new BatchSpanProcessor(exporter, { maxQueueSize: 1_000_000, ...options })
}

function provider(withRunspan) {
  const batch = exporting()
  const spanProcessors = withRunspan ? [new RunRollupProcessor(), batch] : [batch]
  return new NodeTracerProvider(
    withRunspan ? { idGenerator: new RunIdGenerator(), spanProcessors } : { spanProcessors },
  )
}

const raw = provider(false)
const control = provider(false)
const ours = provider(true)
trace.setGlobalTracerProvider(ours)
const [rawTracer, controlTracer, oursTracer] = [raw, control, ours].map((from) => from.getTracer('bench'))

const variants = {
  wrapped: { raw: units.rawUnit, ours: (tracer) => units.wrappedUnit(tracer) },
  own: { raw: units.rawUnit, ours: () => units.ownUnit() },
  'inside-span': {
    raw: (tracer) => units.insideSpan(tracer, units.rawDispatchedUnit(tracer)),
    ours: (tracer) => units.insideSpan(tracer, units.wrappedUnit(tracer)),
  },
  'inside-span-linked': {
    raw: (tracer) => units.insideSpan(tracer, units.rawUnit(tracer)),
    ours: (tracer) => units.insideSpan(tracer, units.wrappedUnit(tracer, { dispatchSpan: false })),
  },
  'inside-span-against-three': {
    raw: (tracer) => units.insideSpan(tracer, units.rawUnit(tracer)),
    ours: (tracer) => units.insideSpan(tracer, units.wrappedUnit(tracer)),
  },
}
const { raw: makeRaw, ours: makeOurs } = variants[variant]
// With a real exporter the whole chain is what counts, so flushing stands inside the clock.
const side = (unit, from) =>
  sink === 'null'
    ? { unit, settle: () => from.forceFlush() }
    : { unit: unit, settle: undefined, flush: () => from.forceFlush() }
const sides = {
  raw: side(makeRaw(rawTracer), raw),
  control: side(makeRaw(controlTracer), control),
  ours: side(makeOurs(oursTracer), ours),
}
// As in an application, where the processor is there from the first span on: V8 lays spans out by the first few it sees.
for (let made = 0; made < 20; made++) await sides.ours.unit()
await ours.forceFlush()
const timed = await pairedRounds(sides, { rounds, unitsPerBlock, warmUpRounds: 30 })
process.stdout.write(
  JSON.stringify({
    node: process.version,
    variant,
    sink,
    rounds: timed.length,
    rawMicros: median(timed.map((round) => round.raw)) / 1000,
    control: medianRatio(timed, 'control', 'raw'),
    ours: medianRatio(timed, 'ours', 'raw'),
  }) + '\n',
)
sinkProcess.kill()
process.exit(0)
