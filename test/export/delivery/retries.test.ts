import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { useFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startCollector, type Step } from '../../support/scripted-collector.ts'
import { until } from '../../support/until.ts'
import { accounted, deliver, names } from './ended-spans.ts'

let clock: FakeClock
let warnings: string[]

beforeEach(() => {
  clock = useFakeClock()
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)))
})

afterEach(() => {
  clock[Symbol.dispose]()
  vi.restoreAllMocks()
})

describe('a destination that is down', () => {
  it.each<[string, Step]>([
    ['503', 503],
    ['502', 502],
    ['504', 504],
    ['429 without a Retry-After', 429],
    ['a reset connection', 'reset'],
  ])('gets everything once it is back after %s', async (_title, trouble) => {
    await using collector = await startCollector(({ index }) => (index < 3 ? trouble : 200))
    await using delivering = deliver({ url: collector.url, flushTimeoutMillis: 60_000 })
    delivering.end(...names(10))
    const flushed = delivering.processor.flush()
    for (let request = 1; request <= 3; request++) {
      await collector.arrived(request)
      await until(() => delivering.stats().state === 'down' && delivering.stats().inFlightSpans === 0)
      clock.advance(6000)
    }
    await collector.keptAtLeast(10)
    await flushed
    expect(collector.tally(names(10))).toEqual({ delivered: 10, duplicated: 0, lost: 0 })
    expect(delivering.stats()).toMatchObject({ state: 'open', exportedSpans: 10, retriedSpans: 30, queuedSpans: 0 })
  })

  it('is asked five minutes long without an end, ever more rarely, and gets everything in the end', async () => {
    let isBack = false
    await using collector = await startCollector(() => (isBack ? 200 : 503))
    await using delivering = deliver({ url: collector.url })
    delivering.end(...names(100))
    clock.advance(1000)
    await until(() => delivering.stats().state === 'down')
    for (let second = 0; second < 300; second++) {
      await until(() => delivering.stats().inFlightSpans === 0)
      clock.advance(1000)
    }
    // 1, 2, 4, 8, 16 seconds and then every half minute: some 14 requests, whatever the jitter.
    expect(collector.requests.length).toBeGreaterThan(10)
    expect(collector.requests.length).toBeLessThan(20)
    isBack = true
    await until(() => delivering.stats().inFlightSpans === 0)
    clock.advance(36_000)
    await collector.keptAtLeast(100)
    expect(collector.tally(names(100))).toEqual({ delivered: 100, duplicated: 0, lost: 0 })
  })

  it.each([
    ['seconds', () => '30'],
    ['a date', () => new Date(clock.nowUnixMillis() + 30_000).toUTCString()],
  ])('is left alone for as long as its Retry-After asks, in %s', async (_title, retryAfter) => {
    await using collector = await startCollector(({ index }) =>
      index === 0 ? { status: 429, headers: { 'retry-after': retryAfter() } } : 200,
    )
    await using delivering = deliver({ url: collector.url })
    delivering.end('patient')
    clock.advance(1000)
    await until(() => delivering.stats().state === 'down')
    // A date has no milliseconds.
    clock.advance(28_000)
    void delivering.processor.flush()
    await new Promise((resolve) => setImmediate(resolve))
    expect(collector.requests).toHaveLength(1)
    clock.advance(4000)
    await collector.keptAtLeast(1)
    expect(collector.kept).toEqual(['patient'])
  })

  it('is asked at once by a flush, unless it said when to come back', async () => {
    await using collector = await startCollector(({ index }) => (index === 0 ? 503 : 200))
    await using delivering = deliver({ url: collector.url })
    delivering.end('waiting')
    clock.advance(1000)
    await until(() => delivering.stats().state === 'down')
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 1 })
  })

  it('that hangs is given up after the time of one attempt, and asked again', async () => {
    await using collector = await startCollector(({ index }) => (index === 0 ? 'hang' : 200))
    await using delivering = deliver({ url: collector.url, timeoutMillis: 500 })
    delivering.end('patient')
    const flushed = delivering.processor.flush()
    await collector.arrived(1)
    clock.advance(500)
    await until(() => delivering.stats().state === 'down')
    clock.advance(1500)
    expect(await flushed).toMatchObject({ status: 'completed', exportedSpans: 1 })
  })

  it('that restarts gets everything, although connections were kept', async () => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    delivering.end('before')
    await delivering.processor.flush()
    await collector.stop()
    delivering.end('between')
    void delivering.processor.flush()
    await until(() => delivering.stats().state === 'down')
    await collector.start()
    delivering.end('after')
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed' })
    expect(collector.kept.toSorted()).toEqual(['after', 'before', 'between'])
  })

  it('says where to look: at the collector, or at the port of gRPC', async () => {
    await using collector = await startCollector()
    await using nobody = deliver({ url: collector.url })
    await collector.stop()
    nobody.end('one')
    clock.advance(1000)
    await until(() => warnings.length === 1)
    expect(warnings[0]).toContain('ECONNREFUSED')
    expect(warnings[0]).toContain(`Check that a collector listens at ${collector.url} (OTEL_EXPORTER_OTLP_ENDPOINT)`)

    // The first frame of a server of HTTP/2, as gRPC's is.
    const server = createServer((socket) => socket.on('error', () => undefined).end('\0\0\u0012\u0004\0\0\0\0\0'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await using grpc = deliver({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` })
    grpc.end('one')
    clock.advance(1000)
    await until(() => warnings.length === 2)
    server.close()
    expect(warnings[1]).toContain('OTLP over HTTP at port 4318, and gRPC at 4317')
  })

  it('starts no second pause when several requests fail together', async () => {
    await using collector = await startCollector(async () => {
      await collector.arrived(8)
      return 503
    })
    await using delivering = deliver({ url: collector.url, maxExportBatchSize: 1 })
    delivering.end(...names(8))
    void delivering.processor.flush()
    await until(() => delivering.stats().state === 'down' && delivering.stats().inFlightSpans === 0)
    expect(collector.requests).toHaveLength(8)
    clock.advance(1300)
    await until(() => collector.requests.length === 9 && delivering.stats().inFlightSpans === 0)
    expect(accounted(delivering.stats())).toBe(8)
  })
})

describe('an answer that must not be repeated', () => {
  it('counts the rejected spans of a partial success, and sends nothing again', async () => {
    const drops: unknown[] = []
    await using collector = await startCollector(() => ({ status: 200, rejected: 3 }))
    await using delivering = deliver({ url: collector.url, onDrop: (drop) => drops.push(drop) })
    delivering.end(...names(10))
    expect(await delivering.processor.flush()).toMatchObject({ status: 'failed', exportedSpans: 7, rejectedSpans: 3 })
    clock.advance(600_000)
    expect(collector.requests).toHaveLength(1)
    expect(delivering.stats()).toMatchObject({ exportedSpans: 7, rejectedSpans: 3, retriedSpans: 0 })
    expect(drops).toEqual([expect.objectContaining({ reason: 'rejected', spans: 3, message: 'not these' })])
  })

  it('takes a 200 whose body breaks off for a success', async () => {
    await using collector = await startCollector(() => 'close mid-body')
    await using delivering = deliver({ url: collector.url })
    delivering.end('once')
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 1 })
    clock.advance(600_000)
    expect(collector.kept).toEqual(['once'])
  })
})

describe('a destination that refuses everything', () => {
  it.each([
    [401, 'Check the credentials', 'the headers sent are x-tenant'],
    [403, 'Check the credentials', 'OTEL_EXPORTER_OTLP_HEADERS'],
    [404, 'Check the path', '/v1/traces'],
  ])(
    'with %d keeps the queue, says one clear message, and gets everything when it is mended',
    async (status, ...said) => {
      await using collector = await startCollector(({ index }) => (index < 3 ? status : 200))
      await using delivering = deliver({ url: collector.url, headers: { 'X-Tenant': 'a secret' } })
      delivering.end(...names(5))
      clock.advance(1000)
      for (let request = 1; request <= 3; request++) {
        await collector.arrived(request)
        await until(() => delivering.stats().state === 'held' && delivering.stats().inFlightSpans === 0)
        clock.advance(30_000)
      }
      await collector.keptAtLeast(5)
      await until(() => delivering.stats().exportedSpans === 5)
      expect(collector.tally(names(5))).toEqual({ delivered: 5, duplicated: 0, lost: 0 })
      expect(warnings).toHaveLength(1)
      for (const words of [...said, collector.url]) expect(warnings[0]).toContain(words)
      expect(warnings[0]).not.toContain('a secret')
    },
  )

  it('is not fed its spans one by one for good', async () => {
    await using collector = await startCollector(() => 400)
    await using delivering = deliver({ url: collector.url })
    delivering.end(...names(1000))
    clock.advance(1000)
    await until(() => delivering.stats().state === 'held' && delivering.stats().inFlightSpans === 0)
    const stats = delivering.stats()
    expect(stats.droppedSpans.refused).toBeLessThan(40)
    expect(stats.queuedSpans + stats.droppedSpans.refused).toBe(1000)
    collector.script = () => 200
    clock.advance(10_000)
    await collector.keptAtLeast(1000 - stats.droppedSpans.refused)
  })
})
