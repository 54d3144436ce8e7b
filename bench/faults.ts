/**
 * What arrives when the collector has a bad day: the stock chain (`BatchSpanProcessor` with
 * `@opentelemetry/exporter-trace-otlp-proto`) and `RunspanSpanProcessor`, each with its defaults, against the same
 * scripted collector over real HTTP, and the latter once more with a spool and little memory. All cases run side by side in real time, for about a minute.
 *
 * `npm run bench:faults`; with `-- --check` it fails where ours loses what could have been delivered, or does not count
 * what it lost.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { TracerProvider } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { RunspanSpanProcessor, type DeliveryOptions } from 'runspan/export'

import { startCollector, type Script, type ScriptedCollector, type Step } from '../test/support/scripted-collector.ts'

interface Case {
  readonly title: string
  /** A new script for each side. `sinceMillis` is the time since the first span. */
  readonly script: (sinceMillis: () => number) => Script
  readonly traffic?: (end: EndSpan) => Promise<void>
  /** Does something to the collector while spans end. */
  readonly meanwhile?: (collector: ScriptedCollector) => Promise<void>
  /** How long the application goes on after its last span, before it shuts down. @defaultValue 3 */
  readonly livesSeconds?: number
  /** Spans that no exporter could deliver. @defaultValue 0 */
  readonly undeliverable?: number
}

interface Result {
  readonly sent: number
  readonly delivered: number
  readonly duplicated: number
  readonly lost: number
  /** Losses that the side knows of itself. */
  readonly counted: number | undefined
}

type EndSpan = (name: string, text?: string) => void

const steady = { spans: 2000, perTick: 100, tickMillis: 100 }
const MiB = 1024 * 1024

async function steadily(end: EndSpan, { spans, perTick, tickMillis } = steady): Promise<void> {
  for (let made = 0; made < spans; made += perTick) {
    for (let index = made; index < made + perTick; index++) end(`span ${index}`)
    await sleep(tickMillis)
  }
}

const until =
  (seconds: number, step: Step) =>
  (sinceMillis: () => number): Script =>
  () =>
    sinceMillis() < seconds * 1000 ? step : 200

const cases: readonly Case[] = [
  { title: 'healthy', script: () => () => 200 },
  {
    title: 'refuses connections for 12 s',
    script: () => () => 200,
    async meanwhile(collector) {
      await collector.stop()
      await sleep(12_000)
      await collector.start()
    },
    livesSeconds: 25,
  },
  { title: 'resets connections for 12 s', script: until(12, 'reset'), livesSeconds: 25 },
  { title: 'hangs for 12 s', script: until(12, 'hang'), livesSeconds: 25 },
  { title: '401 for 12 s, then 200', script: until(12, 401), livesSeconds: 35 },
  { title: '503 for 30 s', script: until(30, 503), livesSeconds: 45 },
  {
    title: '429, Retry-After: 30',
    script: (since) => () => (since() < 30_000 ? { status: 429, headers: { 'retry-after': '30' } } : 200),
    livesSeconds: 50,
  },
  {
    title: '400 for one poison span',
    script:
      () =>
      ({ spanNames }) =>
        spanNames.includes('span 77') ? 400 : 200,
    undeliverable: 1,
    livesSeconds: 8,
  },
  {
    title: '413 above 20 kB',
    script:
      () =>
      ({ sizeBytes }) =>
        sizeBytes > 20_000 ? 413 : 200,
    livesSeconds: 8,
  },
  {
    title: '400 too large above 20 kB',
    script:
      () =>
      ({ sizeBytes }) =>
        sizeBytes > 20_000 ? { status: 400, body: 'http: request body too large' } : 200,
    livesSeconds: 8,
  },
  {
    title: 'one span of 5 MiB in 200, limit 4 MiB',
    script:
      () =>
      ({ sizeBytes }) =>
        sizeBytes > 4 * MiB ? 413 : 200,
    traffic: async (end) => {
      for (let index = 0; index < 199; index++) end(`span ${index}`)
      end('span fat', 'x'.repeat(5 * MiB))
    },
    livesSeconds: 8,
  },
  {
    title: 'partial success, 10 rejected',
    script:
      () =>
      ({ index }) =>
        index === 0 ? { status: 200, rejected: 10 } : 200,
    undeliverable: 10,
    livesSeconds: 8,
  },
  { title: 'answers break off', script: () => () => 'close mid-body', livesSeconds: 12 },
  {
    title: 'restarts, away for 5 s',
    script: () => () => 200,
    async meanwhile(collector) {
      await sleep(1500)
      await collector.stop()
      await sleep(5000)
      await collector.start()
    },
    livesSeconds: 20,
  },
  {
    title: 'slow (100 ms), 10 000 spans/s for 3 s',
    script: () => async () => {
      await sleep(100)
      return 200
    },
    traffic: (end) => steadily(end, { spans: 30_000, perTick: 100, tickMillis: 10 }),
    livesSeconds: 8,
  },
  {
    title: 'healthy, 20 000 spans in one tick',
    script: () => () => 200,
    traffic: async (end) => {
      for (let index = 0; index < 20_000; index++) end(`span ${index}`)
    },
    livesSeconds: 30,
  },
]

const spools = mkdtempSync(join(tmpdir(), 'runspan-faults-'))
process.on('exit', () => rmSync(spools, { recursive: true }))
let spoolCount = 0

interface Side {
  readonly provider: TracerProvider & { shutdown(): Promise<void> }
  counted(): number | undefined
  /** Spans that a next process would find. */
  spooled(): number
}

const sides: Readonly<Record<'stock' | 'ours' | 'spooling', (url: string) => Side>> = {
  stock: (url) => {
    const provider = new NodeTracerProvider({
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
    })
    return { provider, counted: () => undefined, spooled: () => 0 }
  },
  ours: (url) => ours({ url }),
  // With little memory, so that most of what waits is on the disk.
  spooling: (url) => {
    const directory = join(spools, String(spoolCount++))
    return ours({ url, maxQueueSizeBytes: MiB, spool: { directory, mode: 'always' } })
  },
}

function ours(options: DeliveryOptions): Side {
  const processor = new RunspanSpanProcessor(options)
  const provider = new NodeTracerProvider({ spanProcessors: [processor] })
  return {
    provider,
    counted: () => {
      const [{ rejectedSpans, droppedSpans }] = processor.stats() as [ReturnType<typeof processor.stats>[number]]
      return rejectedSpans + Object.values(droppedSpans).reduce((sum, spans) => sum + spans, 0)
    },
    spooled: () => processor.stats()[0]!.spooledSpans,
  }
}

async function measure(
  side: keyof typeof sides,
  { script, traffic = steadily, meanwhile, livesSeconds = 3 }: Case,
): Promise<Result> {
  const start = performance.now()
  const collector = await startCollector(script(() => performance.now() - start))
  const chain = sides[side](collector.url)
  const tracer = chain.provider.getTracer('bench')
  const names: string[] = []
  const trouble = meanwhile?.(collector)
  await traffic((name, text = 'some text') => {
    names.push(name)
    tracer.startSpan(name, { attributes: { text } }).end()
  })
  await trouble
  await sleep(livesSeconds * 1000 - Math.min(livesSeconds * 1000, performance.now() - start))
  await chain.provider.shutdown().catch(() => undefined)
  await collector.stop()
  const { delivered, duplicated, lost } = collector.tally(names)
  return { sent: names.length, delivered, duplicated, lost: lost - chain.spooled(), counted: chain.counted() }
}

const results = await Promise.all(
  cases.map(async (one) => {
    const [stock, mine, spooling] = await Promise.all([
      measure('stock', one),
      measure('ours', one),
      measure('spooling', one),
    ])
    return { one, stock, mine, spooling }
  }),
)

let isBad = false
console.log(`${''.padEnd(42)} ${'stock'.padEnd(34)}  ${'ours'.padEnd(44)}  ours with a spool, 1 MiB of memory`)
const columns = `${'delivered'.padStart(12)} ${'duplicated'.padStart(11)} ${'lost'.padStart(9)}`
console.log(
  `${'collector'.padEnd(42)} ${columns}  ${columns} ${'counted'.padStart(9)}  ${columns} ${'counted'.padStart(9)}`,
)
for (const { one, stock, mine, spooling } of results) {
  const isOver = [mine, spooling].some(({ lost, counted }) => lost > (one.undeliverable ?? 0) || counted !== lost)
  isBad ||= isOver
  const cells = [stock, mine, spooling].map(({ delivered, sent, duplicated, lost, counted }) =>
    [
      `${delivered}/${sent}`.padStart(12),
      String(duplicated).padStart(11),
      String(lost).padStart(9),
      ...(counted === undefined ? [] : [String(counted).padStart(9)]),
    ].join(' '),
  )
  console.log(`${one.title.padEnd(42)} ${cells.join('  ')}${isOver ? '  OVER' : ''}`)
}
if (isBad && process.argv.includes('--check')) process.exitCode = 1
