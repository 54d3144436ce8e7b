import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { DeliveryOptions } from '../../../src/export/index.ts'
import { useFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startCollector, type CollectedRequest, type Step } from '../../support/scripted-collector.ts'
import { accounted, deliver, names } from './ended-spans.ts'

const MiB = 1024 * 1024
let clock: FakeClock

beforeEach(() => {
  clock = useFakeClock()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})

afterEach(() => {
  clock[Symbol.dispose]()
  vi.restoreAllMocks()
})

/** A limit on what one request may have, as servers answer it. */
function limited(maxBytes: number, step: Step): (request: CollectedRequest) => Step {
  return ({ sizeBytes }) => (sizeBytes > maxBytes ? step : 200)
}

describe('a request that is too large', () => {
  it.each<[string, Step]>([
    ['413', 413],
    ['the 400 of a Collector', { status: 400, body: 'http: request body too large' }],
  ])('is split until it passes, after %s', async (_title, step) => {
    await using collector = await startCollector(limited(20_000, step))
    await using delivering = deliver({ url: collector.url })
    for (const name of names(100)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 100 })
    expect(collector.tally(names(100))).toEqual({ delivered: 100, duplicated: 0, lost: 0 })
    expect(delivering.stats()).toMatchObject({ truncatedSpans: 0, retriedSpans: 0 })
  })

  it('teaches the next requests to be smaller', async () => {
    await using collector = await startCollector(limited(200_000, 413))
    await using delivering = deliver({ url: collector.url })
    for (const name of names(300)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    await delivering.processor.flush()
    const before = collector.requests.length
    for (const name of names(300, 'later')) delivering.endWith(name, { text: 'x'.repeat(1000) })
    await delivering.processor.flush()
    expect(collector.requests.slice(before).filter(({ sizeBytes }) => sizeBytes > 200_000)).toEqual([])
    expect(collector.tally([...names(300), ...names(300, 'later')])).toMatchObject({ lost: 0, duplicated: 0 })
  })

  it('is never made: what would pass maxRequestSizeBytes goes out in several', async () => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url, maxRequestSizeBytes: 70_000 })
    for (const name of names(200)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    await delivering.processor.flush()
    expect(Math.max(...collector.requests.map(({ sizeBytes }) => sizeBytes))).toBeLessThanOrEqual(70_000)
    expect(collector.tally(names(200))).toEqual({ delivered: 200, duplicated: 0, lost: 0 })
  })

  it('costs no neighbour: a span that passes no limit is set aside alone', async () => {
    const drops: unknown[] = []
    await using collector = await startCollector(({ spanNames }) => (spanNames.includes('span 7') ? 413 : 200))
    await using delivering = deliver({ url: collector.url, onDrop: (drop) => drops.push(drop) })
    delivering.end(...names(20))
    expect(await delivering.processor.flush()).toMatchObject({ status: 'failed', exportedSpans: 19, failedSpans: 1 })
    expect(delivering.stats()).toMatchObject({ exportedSpans: 19, droppedSpans: { too_large: 1, refused: 0 } })
    expect(drops).toEqual([expect.objectContaining({ reason: 'too_large', spans: 1 })])
    expect(accounted(delivering.stats())).toBe(20)
  })

  it.each<[string, DeliveryOptions]>([
    ['by its budget', {}],
    [
      'because the server asks for it',
      { maxAttributeSizeBytes: 8 * MiB, maxSpanSizeBytes: 8 * MiB, maxRequestSizeBytes: 16 * MiB },
    ],
  ])('loses but the size of its largest span, shrunk %s: 199 whole and 1 shrunk arrive', async (_title, options) => {
    await using collector = await startCollector(limited(4 * MiB, 413))
    await using delivering = deliver({ url: collector.url, ...options })
    for (const name of names(199)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    delivering.endWith('fat', { text: 'y'.repeat(5 * MiB) })
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 200 })
    expect(collector.tally([...names(199), 'fat'])).toEqual({ delivered: 200, duplicated: 0, lost: 0 })
    expect(delivering.stats()).toMatchObject({ truncatedSpans: 1 })
  })
})

describe('a span that is poison', () => {
  it.each([400, 422, 500])('is found by halving and set aside alone, after %d', async (status) => {
    const poison = new Set(['span 3', 'span 77'])
    await using collector = await startCollector(({ spanNames }) =>
      spanNames.some((name) => poison.has(name)) ? { status, body: 'bad span' } : 200,
    )
    const drops: unknown[] = []
    await using delivering = deliver({ url: collector.url, onDrop: (drop) => drops.push(drop) })
    delivering.end(...names(100))
    const report = await delivering.processor.flush()
    expect(report).toMatchObject({ status: 'failed', exportedSpans: 98, failedSpans: 2, pendingSpans: 0 })
    expect(String(report.error)).toContain(`HTTP ${status}: bad span`)
    const kept = names(100).filter((name) => !poison.has(name))
    expect(collector.tally(kept)).toEqual({ delivered: 98, duplicated: 0, lost: 0 })
    expect(delivering.stats().droppedSpans).toMatchObject({ refused: 2 })
    expect(drops.length).toBeGreaterThan(0)
  })
})

describe('the bound of the queue', () => {
  it('holds in bytes, and everything beyond it is counted and reported once per turn', async () => {
    const drops: { reason: string; spans: number }[] = []
    await using collector = await startCollector(() => 503)
    await using delivering = deliver({ url: collector.url, maxQueueSizeBytes: MiB, onDrop: (drop) => drops.push(drop) })
    for (const name of names(3000)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    await new Promise((resolve) => setImmediate(resolve))
    const stats = delivering.stats()
    expect(stats.queuedBytes).toBeLessThanOrEqual(MiB)
    expect(stats.droppedSpans.queue_full).toBeGreaterThan(1500)
    expect(accounted(stats)).toBe(3000)
    expect(drops).toEqual([expect.objectContaining({ reason: 'queue_full', spans: stats.droppedSpans.queue_full })])
  })

  it('holds a burst of 100 000 spans in one tick as it is', async () => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    const all = names(100_000)
    for (const name of all) delivering.endWith(name, { tenant: 'acme', attempt: 1, isCached: false })
    expect(delivering.stats().queuedSpans).toBe(100_000)
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 100_000 })
    expect(collector.tally(all)).toEqual({ delivered: 100_000, duplicated: 0, lost: 0 })
  })

  it('is in spans too where OTEL_BSP_MAX_QUEUE_SIZE says so', async () => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url, maxQueueSize: 5 })
    delivering.end(...names(20))
    expect(delivering.stats()).toMatchObject({ queuedSpans: 5, droppedSpans: { queue_full: 15 } })
  })
})

describe('several destinations', () => {
  it('are each sent what may leave for them', async () => {
    await using strict = await startCollector()
    await using open = await startCollector()
    await using delivering = deliver({
      destinations: [
        { url: strict.url, name: 'strict', redaction: { keys: ['secret'] } },
        { url: open.url, name: 'open', redaction: false, protocol: 'http/json' },
      ],
    })
    delivering.endWith('one', { secret: 'hush hush' })
    await delivering.processor.flush()
    expect(strict.requests[0]?.body.includes('hush hush')).toBe(false)
    expect(open.requests[0]?.body.includes('hush hush')).toBe(true)
    expect(open.requests[0]?.headers['content-type']).toBe('application/json')
    expect([strict.kept, open.kept]).toEqual([['one'], ['one']])
  })

  it('each get everything, and one that is down or slow holds up no other', async () => {
    await using fast = await startCollector()
    await using slow = await startCollector(() => 'hang')
    await using down = await startCollector(() => 503)
    await using delivering = deliver({
      destinations: [
        { url: fast.url, name: 'fast' },
        { url: slow.url, name: 'slow', protocol: 'http/protobuf' },
        { url: down.url, name: 'down', maxQueueSizeBytes: MiB },
      ],
    })
    for (const name of names(3000)) delivering.endWith(name, { text: 'x'.repeat(500) })
    clock.advance(1000)
    await fast.keptAtLeast(3000)
    expect(fast.tally(names(3000))).toEqual({ delivered: 3000, duplicated: 0, lost: 0 })
    await vi.waitFor(() => expect(delivering.stats('fast').exportedSpans).toBe(3000))
    expect(delivering.stats('slow')).toMatchObject({ exportedSpans: 0, state: 'open' })
    expect(delivering.stats('down').droppedSpans.queue_full).toBeGreaterThan(0)
    for (const name of ['fast', 'slow', 'down']) expect(accounted(delivering.stats(name))).toBe(3000)
  })
})
