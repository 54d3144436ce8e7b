import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { nowhere, startCollector, startFileWriter, type RunningFileWriter } from '../../scripts/backends/collector.ts'
import { startJaeger, type RunningJaeger } from '../../scripts/backends/jaeger.ts'
import { findStores, openStore, type OpenStore, type StoreName } from '../../scripts/backends/stores.ts'
import { mapLimited } from '../../src/query/map-limited.ts'
import { createJaegerReader } from '../../src/query/readers/jaeger/jaeger-reader.ts'
import { openOtlpFileReader } from '../../src/query/readers/otlp-file/otlp-file-reader.ts'
import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import { openSqliteReader } from '../../src/query/readers/sqlite/sqlite-reader.ts'
import { createTempoReader } from '../../src/query/readers/tempo/tempo-reader.ts'
import type { RunReader, StoredFamily } from '../../src/query/run-reader.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { serve, type Served } from '../../src/viewer/serve/serve.ts'
import { ledgerFamilies, type LedgerEntry } from '../support/family-ledger.ts'
import { otlpJson } from '../support/otlp-json.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped: ${found.reason}`)

const storesOfToday = (await findStores()).filter((store) => {
  if (store.status === 'missing') console.warn(`skipped: ${store.reason}`)
  return store.status !== 'missing'
})

const families = 500
/** Families that are read at a time, as a page of them would be. */
const concurrency = 4

describe.skipIf(found.status === 'missing')('10,000 runs in 500 families, through the Collector', () => {
  const entries: LedgerEntry[] = []
  let directory: string
  let memory: RunningJaeger
  let badger: RunningJaeger
  let served: Served
  let file: RunningFileWriter
  const opened = new Map<StoreName, OpenStore>()
  beforeAll(async () => {
    await ensureBackends()
    directory = await mkdtemp(join(tmpdir(), 'runspan-families-'))
    memory = await startJaeger('memory')
    badger = await startJaeger('badger')
    served = await serve({ path: join(directory, 'runs.db'), port: 0 })
    file = await startFileWriter(directory)
    // A Collector's second store stands in its configuration as Tempo.
    await using first = await startCollector({
      jaegerOtlpEndpoint: memory.otlpHttpEndpoint,
      tempoOtlpEndpoint: served.url,
    })
    await using second = await startCollector({
      jaegerOtlpEndpoint: badger.otlpHttpEndpoint,
      tempoOtlpEndpoint: file.otlpHttpEndpoint,
    })
    for (const store of storesOfToday) opened.set(store.name, await openStore(store))
    await using third = await startCollector({
      jaegerOtlpEndpoint: opened.get('jaeger')?.otlpHttpEndpoint ?? nowhere,
      tempoOtlpEndpoint: opened.get('tempo')?.otlpHttpEndpoint,
    })
    const spans: StoredSpan[] = []
    const ship = async (): Promise<void> => {
      const body = otlpJson(spans.splice(0))
      await Promise.all([first, second].map(({ otlpHttpEndpoint }) => send(otlpHttpEndpoint, body)))
    }
    for (const family of ledgerFamilies(families)) {
      entries.push(family.entry)
      spans.push(...family.spans)
      if (spans.length > 2_000) await ship()
    }
    await ship()
    // Tempo looks for what is new among what is new.
    for (const family of opened.size === 0 ? [] : ledgerFamilies(families, Date.now() - 60_000, 0)) {
      spans.push(...family.spans)
      if (spans.length > 2_000) await send(third.otlpHttpEndpoint, otlpJson(spans.splice(0)))
    }
    if (spans.length > 0) await send(third.otlpHttpEndpoint, otlpJson(spans))
    for (const { open } of stores) {
      await using reader = await open()
      for (const { rootId, leafId } of entries.slice(-50)) {
        for (const id of [rootId, leafId]) await until(async () => (await reader.getRun(id)) !== undefined)
      }
    }
  }, 900_000)
  afterAll(async () => {
    await Promise.all([memory?.stop(), badger?.stop(), served?.close(), file?.stop()])
    for (const store of opened.values()) await store[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
    // Tempo writes what it has in memory before it ends.
  }, 120_000)

  const stores: readonly { readonly name: string; readonly open: () => Promise<RunReader>; readonly every?: number }[] =
    [
      { name: 'runspan serve', open: async () => createServeReader(served.url) },
      { name: 'its SQLite file', open: () => openSqliteReader(join(directory, 'runs.db')) },
      { name: 'a file of OTLP JSON', open: () => openOtlpFileReader(file.path) },
      { name: 'Jaeger with Badger', open: async () => createJaegerReader(badger.queryUrl) },
      // Its memory store looks at every trace it has, for each question: all of them take ten minutes.
      {
        name: 'Jaeger with its memory store',
        open: async () => createJaegerReader(memory.queryUrl),
        every: process.env['RUNSPAN_FAMILIES'] === 'all' ? 1 : 10,
      },
      ...storesOfToday.map(({ name, version }) => ({
        name: `${name} ${version}`,
        open: async () => (name === 'tempo' ? createTempoReader : createJaegerReader)(opened.get(name)!.queryUrl),
      })),
    ]

  it.each(stores)(
    'are read back whole from $name, and every sum is that of the books',
    async ({ name, open, every = 1 }) => {
      await using reader = await open()
      const started = performance.now()
      const read = [...entries.entries()].filter(([at]) => Math.floor(at / 2) % every === 0)
      await mapLimited(read, ([at, entry]) => check(reader, at, entry), concurrency)
      const millis = (performance.now() - started) / read.length
      console.log(
        `${name}: ${read.length} of ${families} families, ${millis.toFixed(1)} ms each, ${concurrency} at a time` +
          (every === 1 ? '' : '. RUNSPAN_FAMILIES=all reads all of them'),
      )
    },
    1_800_000,
  )
})

/** Reads a family by its first run or by one of its last generation, and compares it with the books. */
async function check(reader: RunReader, at: number, entry: LedgerEntry): Promise<void> {
  const family = await readWhole(reader, at % 2 === 0 ? entry.rootId : entry.leafId, entry.runCount)
  expect(family).toMatchObject({
    runCount: entry.runCount,
    missingCount: 0,
    isComplete: true,
    flags: [],
    totals: { inputTokens: entry.familyTokens, costNanoUsd: entry.familyCostNanoUsd },
  })
  expect(family!.root.runId).toBe(entry.rootId)
  const ofRoot = { own: { inputTokens: entry.ownTokens }, run: { inputTokens: entry.runTokens } }
  if (at % 2 === 0) expect(family).toMatchObject({ ownTotals: ofRoot.own, runTotals: ofRoot.run })
  expect(await reader.getRun(entry.rootId)).toMatchObject({ ownTotals: ofRoot.own, totals: ofRoot.run })
}

/** Batches arrive in no order, and Tempo finds by a search what it has put into a block, some seconds later. */
async function readWhole(reader: RunReader, runId: string, runCount: number): Promise<StoredFamily | undefined> {
  for (let tries = 0; ; tries++) {
    const family = await reader.family(runId)
    if (family?.runCount === runCount || tries === 150) return family
    await delay(200)
  }
}

async function send(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })
  expect(response.status, await response.text()).toBe(200)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === 300) throw new Error('Failed to find what was sent.')
    await delay(200)
  }
}
