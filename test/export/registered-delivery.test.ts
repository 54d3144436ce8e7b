import { AlwaysOffSampler, BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { RunspanExporter } from '../../src/export/index.ts'
import { recordLlmCall, startRun, wrapAgent } from '../../src/index.ts'
import { startCollector } from '../support/scripted-collector.ts'
import { names } from './delivery/ended-spans.ts'
import { forgetRegistration, register } from './registered.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))
afterEach(() => {
  vi.restoreAllMocks()
  forgetRegistration()
})

async function planner(): Promise<void> {
  await wrapAgent('planner', () => recordLlmCall({ model: 'm', provider: 'acme', inputTokens: 5 }))
}

describe('registerRunspan with its own processor', () => {
  it('reports what a flush did, and where every span is', async () => {
    await using collector = await startCollector(({ index }) => ({ status: 200, rejected: index === 0 ? 1 : 0 }))
    await using registered = register({ delivery: { url: collector.url, name: 'here' } })
    await planner()
    expect(await registered.telemetry.flush()).toMatchObject({
      status: 'failed',
      exportedSpans: 1,
      rejectedSpans: 1,
      failedSpans: 0,
      pendingSpans: 0,
      error: new Error('rejected: not these'),
    })
    await planner()
    startRun('open', { startMarker: false })
    expect(await registered.telemetry.flush()).toMatchObject({
      status: 'completed',
      exportedSpans: 2,
      rejectedSpans: 0,
    })
    expect(registered.telemetry.stats()).toEqual([
      expect.objectContaining({
        destination: 'here',
        startedSpans: 5,
        openSpans: 1,
        exportedSpans: 3,
        rejectedSpans: 1,
      }),
    ])
  })

  it('stops waiting at its deadline, says what is pending, and goes on', async () => {
    await using collector = await startCollector(() => 503)
    await using registered = register({ delivery: { url: collector.url }, flushTimeoutMillis: 60 })
    await planner()
    const report = await registered.telemetry.flush()
    expect(report).toMatchObject({ status: 'timeout', exportedSpans: 0, failedSpans: 0, pendingSpans: 2 })
    collector.script = () => 200
    await collector.arrived(1)
    expect(await registered.telemetry.flush()).toMatchObject({ exportedSpans: 2, pendingSpans: 0 })
  })

  it('gives up at the deadline of a shutdown what could not be delivered, and says so', async () => {
    await using collector = await startCollector(() => 503)
    const registered = register({ delivery: { url: collector.url }, flushTimeoutMillis: 60 })
    await planner()
    startRun('open', { startMarker: false })
    expect(await registered.telemetry.shutdown()).toMatchObject({ status: 'timeout', failedSpans: 3, pendingSpans: 0 })
    expect(registered.telemetry.stats()[0]).toMatchObject({ droppedSpans: { shutdown: 3 } })
  })

  it('sends what a sampling rule keeps, and shuts down behind it', async () => {
    await using collector = await startCollector()
    const registered = register({
      sampler: new AlwaysOffSampler(),
      delivery: { url: collector.url },
      sampling: { keep: { failed: true }, rest: 'nothing' },
    })
    await planner()
    await wrapAgent('failing', () => Promise.reject(new Error('no'))).catch(() => undefined)
    expect(await registered.telemetry.shutdown()).toMatchObject({ status: 'completed', exportedSpans: 1 })
    expect(collector.kept).toEqual(['invoke_agent failing'])
  })
})

describe('RunspanExporter', () => {
  it('delivers what a batch processor hands it, also when the collector is away for a while', async () => {
    await using collector = await startCollector(({ index }) => (index === 0 ? 503 : 200))
    const exporter = new RunspanExporter({ url: collector.url })
    const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
    for (const name of names(1000)) provider.getTracer('test').startSpan(name).end()
    await provider.forceFlush()
    await provider.shutdown()
    expect(collector.tally(names(1000))).toEqual({ delivered: 1000, duplicated: 0, lost: 0 })
    expect(exporter.stats()[0]).toMatchObject({ startedSpans: 1000, exportedSpans: 1000, queuedSpans: 0 })
  })
})
