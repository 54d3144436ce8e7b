import { execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startCollector } from '../../scripts/backends/collector.ts'
import { startJaeger, type RunningJaeger } from '../../scripts/backends/jaeger.ts'
import { createJaegerReader } from '../../src/query/readers/jaeger/jaeger-reader.ts'
import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import type { RunReader } from '../../src/query/run-reader.ts'
import { serve, type Served } from '../../src/viewer/serve/serve.ts'
import { ledgerFamilies, type LedgerEntry } from '../support/family-ledger.ts'
import { manyId, manySpans } from '../support/many-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped: ${found.reason}`)

const families = 500
/** Jaeger's memory store looks at every trace for each question: reading all families would take half an hour. */
const familiesOfJaeger = 10

describe.skipIf(found.status === 'missing')('10,000 runs in 500 families, through the Collector', () => {
  let jaeger: RunningJaeger
  let served: Served
  const entries: LedgerEntry[] = []
  beforeAll(async () => {
    await ensureBackends()
    jaeger = await startJaeger()
    served = await serve({ path: ':memory:', port: 0 })
    // The Collector's second store stands in its configuration as Tempo.
    await using collector = await startCollector({
      jaegerOtlpEndpoint: jaeger.otlpHttpEndpoint,
      tempoOtlpEndpoint: served.url,
    })
    let spans: StoredSpan[] = []
    for (const family of ledgerFamilies(families)) {
      entries.push(family.entry)
      spans.push(...family.spans)
      if (spans.length > 2_000) await send(collector.otlpHttpEndpoint, spans.splice(0))
    }
    await send(collector.otlpHttpEndpoint, spans)
    await send(collector.otlpHttpEndpoint, manySpans(1_000_000, 10_000))
    const last = manyId(families * 20 - 1)
    for (const reader of [createServeReader(served.url), createJaegerReader(jaeger.queryUrl)]) {
      await until(async () => (await reader.getRun(last)) !== undefined)
      await until(async () => (await reader.getRun(manyId(1_000_000), { maxSpans: 0 }))?.spanCount === 10_000)
    }
  }, 900_000)
  afterAll(async () => {
    await Promise.all([jaeger?.stop(), served?.close()])
  })

  it('are read back whole from runspan serve, and every sum is that of the books', async () => {
    await compare(createServeReader(served.url), entries)
  }, 600_000)

  it(`are read back whole from Jaeger, ${familiesOfJaeger} of them`, async () => {
    const some = entries.filter((_, at) => at % (families / familiesOfJaeger) === 0)
    expect(some).toHaveLength(familiesOfJaeger)
    await compare(createJaegerReader(jaeger.queryUrl, { searchDepth: 100_000 }), some)
  }, 600_000)

  it('has getRun on 10,000 spans take at most 1.5 times what curl and JSON.parse take', async () => {
    const runId = manyId(1_000_000)
    const reader = createJaegerReader(jaeger.queryUrl)
    const ratios: number[] = []
    for (let round = 0; round < 15; round++) {
      const started = performance.now()
      const body = execFileSync('curl', ['-s', `${jaeger.queryUrl}/api/v3/traces/${runId}`], { maxBuffer: 2 ** 30 })
      JSON.parse(body.toString())
      const fetched = performance.now()
      expect((await reader.getRun(runId))?.spanCount).toBe(10_000)
      ratios.push((performance.now() - fetched) / (fetched - started))
    }
    const median = ratios.toSorted((a, b) => a - b)[7]!
    console.log(`getRun beside curl and JSON.parse: ${median.toFixed(2)}`)
    expect(median).toBeLessThanOrEqual(1.5)
  })
})

async function compare(reader: RunReader, some: readonly LedgerEntry[]): Promise<void> {
  for (const [at, entry] of some.entries()) {
    const family = await reader.family(at % 2 === 0 ? entry.rootId : entry.leafId)
    expect(family).toMatchObject({
      runCount: entry.runCount,
      isComplete: true,
      flags: [],
      totals: { inputTokens: entry.familyTokens, costNanoUsd: entry.familyCostNanoUsd },
    })
    expect(family!.root.runId).toBe(entry.rootId)
    const root = await reader.getRun(entry.rootId)
    expect(root).toMatchObject({
      ownTotals: { inputTokens: entry.ownTokens },
      totals: { inputTokens: entry.runTokens },
    })
  }
}

async function send(url: string, spans: readonly StoredSpan[]): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: otlpJson(spans) })
  expect(response.status, await response.text()).toBe(200)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === 300) throw new Error('Failed to find what was sent.')
    await delay(200)
  }
}
