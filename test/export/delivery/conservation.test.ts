import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { NodeTracerProvider, SamplingDecision } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { RunspanExporter } from '../../../src/export/index.ts'
import { useFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startCollector, type ScriptedCollector, type Step } from '../../support/scripted-collector.ts'
import { accounted, deliver, endedSpans, names } from './ended-spans.ts'

let clock: FakeClock
let collector: ScriptedCollector
let directory: string

beforeAll(async () => {
  collector = await startCollector()
  directory = mkdtempSync(join(tmpdir(), 'runspan-conservation-'))
})
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await collector[Symbol.asyncDispose]()
})

beforeEach(() => {
  clock = useFakeClock()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  clock[Symbol.dispose]()
  vi.restoreAllMocks()
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(200) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>(503, 429, 'reset', 'hang', 'close mid-body', 400, 401, 404, 413, 500, 302),
  },
  { weight: 1, arbitrary: fc.nat(5).map((rejected) => ({ status: 200, rejected })) },
  { weight: 1, arbitrary: fc.nat(40).map((seconds) => ({ status: 429, headers: { 'retry-after': String(seconds) } })) },
)

/** What happens to a process: spans begin, end, are not sampled, time passes, somebody flushes. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('end' as const), spans: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('open' as const), spans: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('pass' as const), spans: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ kind: fc.constant('flush' as const), spans: fc.constant(0) }),
)

describe('conservation', () => {
  it('finds every span that was started in exactly one place, whatever the destination answers', async () => {
    let cases = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.array(event, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(undefined, 'overflow' as const, 'always' as const),
        async (steps, events, maxExportBatchSize, mode) => {
          const prefix = `case ${cases++}:`
          const first = collector.requests.length
          collector.script = ({ index }) => steps[(index - first) % steps.length]!
          const options = { url: collector.url, maxExportBatchSize, maxQueueSize: 80, timeoutMillis: 2000 }
          // A directory of its own: what others left in the spool is not this one's to count.
          const spool = { directory: join(directory, String(cases)), mode }
          const delivering = deliver(mode === undefined ? options : { ...options, spool })
          let started = 0
          for (const { kind, spans } of events) {
            if (kind === 'end') delivering.end(...names(spans, `${prefix} ${started}`))
            else if (kind === 'open') for (let at = 0; at < spans; at++) delivering.tracer.startSpan('never ended')
            else if (kind === 'pass') clock.advance(spans)
            else void delivering.processor.flush()
            if (kind === 'end' || kind === 'open') started += spans
            for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
            expect(delivering.stats().startedSpans).toBe(started)
            expect(accounted(delivering.stats())).toBe(started)
          }
          await delivering[Symbol.asyncDispose]()
          delivering.end('late')
          const stats = delivering.stats()
          expect(accounted(stats)).toBe(started + 1)
          expect(stats).toMatchObject({ lateSpans: 1, queuedSpans: 0, inFlightSpans: 0, queuedBytes: 0 })
          if (mode !== undefined) expect(stats.droppedSpans).toMatchObject({ shutdown: 0, queue_full: 0 })
          // What counts as exported has arrived. More may have: where time passed before an answer was read.
          expect(new Set(collector.kept.filter((name) => name.startsWith(prefix))).size).toBeGreaterThanOrEqual(
            stats.exportedSpans,
          )
        },
      ),
      { numRuns: 60 },
    )
    expect(cases).toBeGreaterThanOrEqual(60)
  })

  it('counts spans that are recorded and not sampled, and sends none of them', async () => {
    await using own = await startCollector()
    await using delivering = deliver({ url: own.url })
    const provider = new NodeTracerProvider({
      sampler: {
        shouldSample: (_context, _traceId, name) => ({
          decision: name === 'sampled' ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD,
        }),
      },
      spanProcessors: [delivering.processor],
    })
    for (const name of ['unsampled', 'sampled']) provider.getTracer('test').startSpan(name).end()
    await delivering.processor.flush()
    expect(delivering.stats()).toMatchObject({ startedSpans: 2, unsampledSpans: 1, exportedSpans: 1, openSpans: 0 })
    expect(own.kept).toEqual(['sampled'])
  })

  it('begins at export() behind somebody else’s batch processor, whose success means accepted', async () => {
    await using own = await startCollector(() => 503)
    const exporter = new RunspanExporter({ url: own.url, maxQueueSize: 10 })
    const results: number[] = []
    exporter.export(endedSpans(...names(8)), ({ code }) => results.push(code))
    exporter.export(endedSpans(...names(8)), ({ code }) => results.push(code))
    expect(results).toEqual([0, 1])
    const [stats] = exporter.stats()
    expect(stats).toMatchObject({ startedSpans: 16, openSpans: 0, queuedSpans: 10, droppedSpans: { queue_full: 6 } })
    expect(accounted(stats!)).toBe(16)
    const isShutDown = exporter.shutdown()
    clock.advance(10_000)
    await isShutDown
    exporter.export(endedSpans('late'), ({ code }) => results.push(code))
    expect(results).toEqual([0, 1, 1])
    expect(exporter.stats()[0]).toMatchObject({ lateSpans: 1, droppedSpans: { queue_full: 6, shutdown: 10 } })
  })
})
