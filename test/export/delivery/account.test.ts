import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { diag, metrics, type DiagLogger } from '@opentelemetry/api'
import { MeterProvider, MetricReader, type CollectionResult } from '@opentelemetry/sdk-metrics'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { stats as processStats } from '../../../src/index.ts'
import { startCollector } from '../../support/scripted-collector.ts'
import { deliver, names } from './ended-spans.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))
afterEach(() => {
  vi.restoreAllMocks()
  metrics.disable()
  diag.disable()
})

class PulledReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

describe('metrics', () => {
  it('have the SDK’s own names, one point per outcome', async () => {
    const reader = new PulledReader()
    await using collector = await startCollector(({ spanNames }) =>
      spanNames.includes('span 3') ? 400 : spanNames.includes('partial') ? { status: 200, rejected: 1 } : 200,
    )
    await using delivering = deliver({
      url: collector.url,
      name: 'here',
      maxQueueSize: 20,
      meterProvider: new MeterProvider({ readers: [reader] }),
    })
    delivering.end(...names(30))
    await delivering.processor.flush()
    delivering.end('partial')
    await delivering.processor.flush()
    delivering.end('waiting')
    const points = pointsOf(await reader.collect())
    const processor = 'runspan_span_processor/here'
    const exporter = 'otlp_http_span_exporter/here'
    expect(points).toMatchObject({
      [`otel.sdk.processor.span.processed ${processor}`]: 21,
      [`otel.sdk.processor.span.processed ${processor} queue_full`]: 10,
      [`otel.sdk.processor.span.queue.size ${processor}`]: 1,
      [`otel.sdk.processor.span.queue.capacity ${processor}`]: 20,
      [`otel.sdk.exporter.span.exported ${exporter}`]: 19,
      [`otel.sdk.exporter.span.exported ${exporter} refused`]: 1,
      [`otel.sdk.exporter.span.exported ${exporter} rejected`]: 1,
      [`otel.sdk.exporter.span.inflight ${exporter}`]: 0,
    })
    const requests = collector.requests.length
    const refused = points[`otel.sdk.exporter.operation.duration ${exporter} 400`]!
    expect(refused).toBeGreaterThan(1)
    expect(points[`otel.sdk.exporter.operation.duration ${exporter}`]! + refused).toBe(requests)
  })

  it('have what the SDK has no name for: what is open, spooled, sent again, shortened, late', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runspan-spool-'))
    const reader = new PulledReader()
    const drops: unknown[] = []
    await using collector = await startCollector(({ index }) => (index === 0 ? 503 : 200))
    const delivering = deliver({
      url: collector.url,
      name: 'here',
      maxQueueSizeBytes: 1024 * 1024,
      maxAttributeSizeBytes: 2000,
      spool: { directory },
      meterProvider: new MeterProvider({ readers: [reader] }),
      onDrop: (drop) => drops.push(drop),
    })
    delivering.tracer.startSpan('open')
    delivering.endWith('long', { text: 'x'.repeat(3000) })
    await delivering.processor.flush()
    for (const name of names(2500)) delivering.endWith(name, { text: 'x'.repeat(1500) })
    const spooled = delivering.stats().spooledSpans
    expect(spooled).toBeGreaterThan(0)
    const points = pointsOf(await reader.collect())
    expect(points).toMatchObject({
      'runspan.delivery.span.started here': 2502,
      'runspan.delivery.span.adopted here': 0,
      'runspan.delivery.span.open here': 1,
      'runspan.delivery.span.spooled here': spooled,
      'runspan.delivery.span.retried here': 1,
      'runspan.delivery.span.truncated here': 1,
      'runspan.delivery.span.unsampled here': 0,
      'runspan.delivery.span.late here': 0,
    })
    await delivering.processor.shutdown()
    delivering.end('late')
    await Promise.resolve()
    expect(pointsOf(await reader.collect())['runspan.delivery.span.late here']).toBe(1)
    expect(drops).toEqual([expect.objectContaining({ reason: 'late', spans: 1 })])
    rmSync(directory, { recursive: true })
  })

  it('name what the spool gave up', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runspan-spool-'))
    const reader = new PulledReader()
    await using collector = await startCollector(() => 503)
    const spool = { directory, maxAgeMillis: 1 }
    const first = deliver({ url: collector.url, name: 'here', flushTimeoutMillis: 1, spool })
    first.end(...names(3))
    await first.processor.shutdown()
    expect(first.stats().spooledSpans).toBe(3)
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Number(readdirSync(directory)[0]!.split('-')[1]) + 1))
    const meterProvider = new MeterProvider({ readers: [reader] })
    const second = deliver({ url: collector.url, name: 'here', flushTimeoutMillis: 1, spool, meterProvider })
    const points = pointsOf(await reader.collect())
    expect(points).toMatchObject({
      'otel.sdk.exporter.span.exported otlp_http_span_exporter/here spool_expired': 3,
      'runspan.delivery.span.adopted here': 3,
    })
    await second.processor.shutdown()
    rmSync(directory, { recursive: true })
  })

  it('that throw cost nothing but themselves', async () => {
    const counts = processStats().callbackErrors
    await using collector = await startCollector()
    const meterProvider = {
      getMeter: () => {
        throw new Error('no meters today')
      },
    }
    await using delivering = deliver({ url: collector.url, meterProvider })
    delivering.end('one')
    expect(await delivering.processor.flush()).toMatchObject({ exportedSpans: 1 })
    expect(processStats().callbackErrors).toBe(counts + 1)
  })

  it('begin when the application registers its provider, and are whole after the shutdown', async () => {
    await using collector = await startCollector()
    const delivering = deliver({ url: collector.url, name: 'here', scheduledDelayMillis: 0 })
    const reader = new PulledReader()
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
    delivering.end('first')
    await collector.keptAtLeast(1)
    await vi.waitFor(() => expect(delivering.stats().exportedSpans).toBe(1))
    const key = 'otel.sdk.exporter.span.exported otlp_http_span_exporter/here'
    expect(pointsOf(await reader.collect())[key]).toBe(1)
    delivering.end('last')
    await delivering.processor.shutdown()
    expect(pointsOf(await reader.collect())[key]).toBe(2)
  })
})

describe('onDrop', () => {
  it('may throw, which is counted and harmless', async () => {
    const before = processStats().callbackErrors
    await using collector = await startCollector(({ spanNames }) => (spanNames.includes('span 1') ? 400 : 200))
    await using delivering = deliver({
      url: collector.url,
      onDrop: () => {
        throw new Error('mine')
      },
    })
    delivering.end(...names(3))
    expect(await delivering.processor.flush()).toMatchObject({ exportedSpans: 2, failedSpans: 1 })
    expect(processStats().callbackErrors).toBe(before + 1)
  })
})

describe('the shutdown', () => {
  it('says in one line what became of everything', async () => {
    const { said } = recordSaid()
    await using collector = await startCollector(({ spanNames }) => (spanNames.includes('span 1') ? 400 : 200))
    const delivering = deliver({ url: collector.url, name: 'here' })
    delivering.end(...names(10))
    delivering.tracer.startSpan('open')
    await delivering.processor.shutdown()
    expect(said.at(-1)).toBe('warn runspan: here: 9 of 11 spans delivered, 1 dropped (refused), 1 never ended.')
  })

  it('says it quietly where nothing was lost, and once', async () => {
    const { said } = recordSaid()
    await using collector = await startCollector()
    const delivering = deliver({ url: collector.url, name: 'here' })
    delivering.end('one')
    await Promise.all([delivering.processor.shutdown(), delivering.processor.shutdown()])
    expect(said).toEqual(['info runspan: here: 1 of 1 spans delivered.'])
  })

  it('gives up at its deadline what could not be delivered, and counts it', async () => {
    await using collector = await startCollector(() => 503)
    const drops: unknown[] = []
    const delivering = deliver({ url: collector.url, flushTimeoutMillis: 50, onDrop: (drop) => drops.push(drop) })
    delivering.end(...names(4))
    expect(await delivering.processor.flush()).toMatchObject({ status: 'timeout', pendingSpans: 4, failedSpans: 0 })
    await delivering.processor.shutdown()
    expect(delivering.stats()).toMatchObject({ queuedSpans: 0, droppedSpans: { shutdown: 4 } })
    expect(drops).toEqual([expect.objectContaining({ reason: 'shutdown', spans: 4 })])
    expect(await delivering.processor.flush()).toMatchObject({ status: 'failed', failedSpans: 4, pendingSpans: 0 })
  })
})

/** Values by name, component and error type; of a histogram the count. */
function pointsOf({ resourceMetrics }: CollectionResult): Record<string, number> {
  const points: Record<string, number> = {}
  for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
    for (const { attributes, value } of dataPoints) {
      const error = attributes['error.type'] === undefined ? '' : ` ${String(attributes['error.type'])}`
      points[`${descriptor.name} ${String(attributes['otel.component.name'])}${error}`] =
        typeof value === 'number' ? value : value.count
    }
  }
  return points
}

function recordSaid(): { readonly said: readonly string[] } {
  const said: string[] = []
  const logger = Object.fromEntries(
    (['error', 'warn', 'info'] as const).map((level) => [level, (message: string) => said.push(`${level} ${message}`)]),
  )
  diag.setLogger({ debug: () => {}, verbose: () => {}, ...logger } as unknown as DiagLogger, {
    suppressOverrideMessage: true,
  })
  return { said }
}
