import { context, trace } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect, it, vi } from 'vitest'

import type { SpanExporterLike } from '../../src/export/node.ts'
import { startRun, wrapAgent } from '../../src/index.ts'
import { recordRequests } from './otlp-requests.ts'
import { forgetRegistration, register } from './registered.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  forgetRegistration()
})

describe('a flush', () => {
  it('waits for an export that was in flight when it began, which forceFlush of the batch processor does not', async () => {
    vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '1')
    const answer = heldAnswer()
    await using sink = await recordRequests(() => answer.promise)
    await using registered = register({ exporter: exporterTo(sink.url) })
    await wrapAgent('planner', () => {})
    await sink.arrived(1)

    let isFlushed = false
    const flushed = registered.telemetry.flush().finally(() => (isFlushed = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isFlushed).toBe(false)
    answer.resolve(200)
    expect(await flushed).toMatchObject({ status: 'completed', exportedSpans: 1, failedSpans: 0 })
    expect(sink.spanNames).toEqual(['invoke_agent planner'])
  })

  it('reports spans that were lost before it, once', async () => {
    vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '1')
    await using sink = await recordRequests((index) => (index === 0 ? 400 : 200))
    await using registered = register({ exporter: exporterTo(sink.url) })
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await wrapAgent('lost', () => {})
    await sink.arrived(1)
    // The exporter's answer arrives some turns later.
    await vi.waitFor(() => expect(warned).toHaveBeenCalledOnce())
    warned.mockRestore()
    await wrapAgent('kept', () => {})

    const first = await registered.telemetry.flush()
    expect(first).toMatchObject({ status: 'failed', exportedSpans: 1, failedSpans: 1 })
    expect(String(first.error)).toContain('Bad Request')
    expect(await registered.telemetry.flush()).toMatchObject({ status: 'completed', exportedSpans: 0, failedSpans: 0 })
  })

  it('stops waiting at its deadline, and says so', async () => {
    const answer = heldAnswer()
    await using sink = await recordRequests(() => answer.promise)
    await using registered = register({ exporter: exporterTo(sink.url), flushTimeoutMillis: 50 })
    await wrapAgent('planner', () => {})
    const report = await registered.telemetry.flush()
    expect(report).toMatchObject({ status: 'timeout', exportedSpans: 0, failedSpans: 0 })
    expect(report.durationMillis).toBeGreaterThanOrEqual(45)
    answer.resolve(200)
    expect(await registered.telemetry.flush()).toMatchObject({ status: 'completed', exportedSpans: 1 })
  })

  it('flushes further processors too, and one that rejects does not keep the others from it', async () => {
    await using sink = await recordRequests()
    const failing = processor({ forceFlush: () => Promise.reject(new Error('not today')) })
    let flushes = 0
    const counting = processor({ forceFlush: () => Promise.resolve(void flushes++) })
    const spanProcessors = [failing, counting]
    await using registered = register({ exporter: exporterTo(sink.url), spanProcessors })
    await wrapAgent('planner', () => {})
    expect(await registered.telemetry.flush()).toMatchObject({
      status: 'failed',
      exportedSpans: 1,
      error: new Error('not today'),
    })
    expect(flushes).toBe(1)
  })

  it('survives an exporter that throws, calls back twice, or gives no reason', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const cases: [SpanExporterLike['export'], string][] = [
      [throwing, 'broken exporter'],
      [twice, 'without a reason'],
    ]
    for (const [send, message] of cases) {
      await using registered = register({ exporter: { export: send, shutdown: () => Promise.resolve() } })
      await wrapAgent('planner', () => {})
      const report = await registered.telemetry.flush()
      expect(report).toMatchObject({ status: 'failed', exportedSpans: 0, failedSpans: 1 })
      expect(String(report.error)).toContain(message)
    }
    vi.restoreAllMocks()
  })

  it('sends no spans about sending spans', async () => {
    await using sink = await recordRequests()
    await using registered = register({ exporter: exporterTo(sink.url) })
    await wrapAgent('planner', () => {})
    context.with(suppressTracing(context.active()), () => trace.getTracer('t').startSpan('suppressed').end())
    await registered.telemetry.flush()
    expect(sink.spanNames).toEqual(['invoke_agent planner'])
  })
})

describe('a shutdown', () => {
  it('ends open runs as abandoned, sends them, and happens once', async () => {
    await using sink = await recordRequests()
    await using registered = register({ exporter: exporterTo(sink.url) })
    startRun('forgotten', { startMarker: false })
    const first = registered.telemetry.shutdown()
    expect(registered.telemetry.shutdown()).toBe(first)
    expect(registered.telemetry.flush()).toBe(first)
    expect(await first).toMatchObject({ status: 'completed', exportedSpans: 1 })
    expect(sink.all[0]?.spans[0]).toMatchObject({
      name: 'invoke_agent forgotten',
      attributes: { 'runspan.run.status': 'abandoned', 'runspan.run.status_reason': 'shutdown' },
    })
    await registered.telemetry[Symbol.asyncDispose]()
  })

  it('leaves no listener of its own behind', async () => {
    const before = listeners()
    await using sink = await recordRequests()
    const registered = register({ exporter: exporterTo(sink.url), exitSignals: true })
    expect(listeners()).not.toEqual(before)
    await registered.telemetry.shutdown()
    expect(listeners()).toEqual(before)
    await registered[Symbol.asyncDispose]()
  })
})

const throwing: SpanExporterLike['export'] = () => {
  throw new Error('broken exporter')
}

const twice: SpanExporterLike['export'] = (_spans, done) => {
  done({ code: 1 })
  done({ code: 0 })
}

/** An answer that is given when the test says so. */
function heldAnswer(): { readonly promise: Promise<number>; resolve(status: number): void } {
  let resolve!: (status: number) => void
  const promise = new Promise<number>((done) => (resolve = done))
  return { promise, resolve: (status) => resolve(status) }
}

function listeners(): readonly number[] {
  return ['SIGTERM', 'SIGINT', 'beforeExit'].map((event) => process.listenerCount(event))
}

function exporterTo(url: string): OTLPTraceExporter {
  return new OTLPTraceExporter({ url: `${url}/v1/traces` })
}

function processor(own: Partial<SpanProcessor>): SpanProcessor {
  return {
    onStart: () => {},
    onEnd: () => {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...own,
  }
}
