import { beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startCollector } from '../../scripts/backends/collector.ts'
import type { DeliveryOptions } from '../../src/export/index.ts'
import { deliver, names } from '../export/delivery/ended-spans.ts'
import { startCollector as startStore } from '../support/scripted-collector.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped: ${found.reason}`)
const MiB = 1024 * 1024

describe.skipIf(found.status === 'missing')('delivery to a real Collector', () => {
  beforeAll(async () => void (await ensureBackends()), 900_000)

  it.each<[string, DeliveryOptions]>([
    ['protobuf', {}],
    ['protobuf, gzip', { compression: 'gzip' }],
    ['JSON', { protocol: 'http/json' }],
    ['JSON, gzip', { protocol: 'http/json', compression: 'gzip' }],
  ])('is understood as %s', async (_title, options) => {
    await using store = await startStore()
    await using collector = await startCollector({ jaegerOtlpEndpoint: store.url.replace('/v1/traces', '') })
    await using delivering = deliver({ url: `${collector.otlpHttpEndpoint}/v1/traces`, ...options })
    delivering.end(...names(1500))
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 1500 })
    await store.keptAtLeast(1500)
    expect(store.tally(names(1500))).toEqual({ delivered: 1500, duplicated: 0, lost: 0 })
  })

  it('splits what the Collector answers with 400 because it is above 20 MiB', async () => {
    await using store = await startStore()
    await using collector = await startCollector({ jaegerOtlpEndpoint: store.url.replace('/v1/traces', '') })
    const url = `${collector.otlpHttpEndpoint}/v1/traces`
    const headers = { 'content-type': 'application/x-protobuf' }
    const refused = await fetch(url, { method: 'POST', headers, body: new Uint8Array(21 * MiB) })
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('too large')])

    await using delivering = deliver({
      url,
      maxRequestSizeBytes: 60 * MiB,
      maxSpanSizeBytes: 2 * MiB,
      maxAttributeSizeBytes: 2 * MiB,
      redaction: false,
    })
    for (const name of names(30)) delivering.endWith(name, { text: 'x'.repeat(MiB) })
    expect(await delivering.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 30 })
    await store.keptAtLeast(30)
    expect(store.tally(names(30))).toEqual({ delivered: 30, duplicated: 0, lost: 0 })
    expect(delivering.stats()).toMatchObject({ retriedSpans: 0, truncatedSpans: 0 })
  })
})
