// One chain of the delivery bench in a process of its own, fed with backpressure; started by deliver.ts. Plain
// JavaScript in the built package's directory layout, so that the oldest supported Node runs it too.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { RunspanSpanProcessor } from 'runspan/export'

const {
  chain,
  protocol = 'http/protobuf',
  compression = 'none',
  spans,
  spansPerSecond,
  hasFatSpans,
} = JSON.parse(process.argv[2])
/** A processor that queues more than this would drop, or would measure its queue. */
const mostOutstanding = 4096

const sink = fork(new URL('sink.mjs', import.meta.url))
const port = await new Promise((resolve) => sink.once('message', resolve))
const url = `http://127.0.0.1:${port}/v1/traces`

/** A processor, and how many spans it has that are not delivered yet. */
function stock() {
  const Exporter = protocol === 'http/json' ? JsonExporter : ProtobufExporter
  const exporter = new Exporter({ url, compression })
  let done = 0
  const counting = {
    export: (batch, callback) =>
      exporter.export(batch, (result) => {
        if (result.error !== undefined) throw result.error
        done += batch.length
        callback(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
  const processor = new BatchSpanProcessor(counting, { maxQueueSize: 2 * mostOutstanding, scheduledDelayMillis: 50 })
  return { processor, outstanding: (made) => made - done }
}

function ours(options) {
  const processor = new RunspanSpanProcessor({ url, protocol, compression, scheduledDelayMillis: 50, ...options })
  return {
    processor,
    outstanding: (made) => {
      const [{ exportedSpans, droppedSpans }] = processor.stats()
      if (Object.values(droppedSpans).some((count) => count > 0)) throw new Error('spans were dropped')
      return made - exportedSpans
    },
  }
}

/** Spans that nobody exports: what making them costs the event loop alone. */
function none() {
  const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
  return { processor: nothing, outstanding: () => 0 }
}

function spooling(mode) {
  const directory = mkdtempSync(join(tmpdir(), 'runspan-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true }))
  return ours({ redaction: false, spool: { directory, mode } })
}

const chains = {
  none,
  stock,
  ours: () => ours({ redaction: false }),
  'ours, redacting': () => ours({}),
  'ours, spool overflow': () => spooling('overflow'),
  'ours, spool always': () => spooling('always'),
}
const { processor, outstanding } = chains[chain]()
const tracer = new NodeTracerProvider({ spanProcessors: [processor] }).getTracer('bench')

let made = 0
function endSpan() {
  const span = tracer.startSpan('chat gpt-4.1-mini')
  span.setAttribute('gen_ai.operation.name', 'chat')
  span.setAttribute('gen_ai.provider.name', 'openai')
  span.setAttribute('gen_ai.request.model', 'gpt-4.1-mini')
  span.setAttribute('gen_ai.response.model', 'gpt-4.1-mini-2025-04-14')
  span.setAttribute('gen_ai.conversation.id', '0190c3e1-77aa-7c1e-9d3f-2b6a4e8f1c00')
  span.setAttribute('gen_ai.usage.input_tokens', 812)
  span.setAttribute('gen_ai.usage.output_tokens', 64)
  span.setAttribute('app.cached', false)
  span.end()
  made++
}

/** Sleeps while it has to wait: turns that ask again and again would be on the bill of the chain. */
async function deliver(count) {
  const end = made + count
  while (made < end) {
    for (let index = 0; index < 128 && made < end; index++) endSpan()
    while (outstanding(made) > mostOutstanding - 128) await sleep(1)
  }
  while (outstanding(made) > 0) await sleep(1)
}

const fatText = 'words of a prompt '.repeat(290_000)

/** Ends spans at a steady rate, one per second with 5 MiB where asked, and watches the delay of the event loop. */
async function delayMillis(seconds) {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  const begin = performance.now()
  let first = made
  let fatSpans = 0
  histogram.enable()
  while (performance.now() - begin < seconds * 1000) {
    const due = first + Math.floor(((performance.now() - begin) / 1000) * spansPerSecond)
    // A machine that is busy with others is not caught up with: the burst would be what is measured.
    const skipped = Math.max(0, due - made - spansPerSecond / 50)
    first -= skipped
    while (made < due - skipped) endSpan()
    if (hasFatSpans && performance.now() - begin > fatSpans * 1000) {
      fatSpans++
      tracer.startSpan('fat').setAttribute('app.prompt', fatText).end()
    }
    await sleep(1)
  }
  histogram.disable()
  return {
    p50Millis: histogram.percentile(50) / 1e6,
    p99Millis: histogram.percentile(99) / 1e6,
    maxMillis: histogram.max / 1e6,
  }
}

if (spansPerSecond !== undefined) {
  await delayMillis(2)
  process.stdout.write(JSON.stringify(await delayMillis(5)) + '\n')
  process.exit(0)
}

await deliver(Math.min(spans, 30_000))
const cpu = process.cpuUsage()
const start = performance.now()
await deliver(spans)
const wallMillis = performance.now() - start
const { user, system } = process.cpuUsage(cpu)
process.stdout.write(
  JSON.stringify({ spansPerSecond: (spans / wallMillis) * 1000, cpuMicrosPerSpan: (user + system) / spans }) + '\n',
)
sink.kill()
process.exit(0)
