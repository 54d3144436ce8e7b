import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startFileWriter } from '../../scripts/backends/collector.ts'
import { startJaeger } from '../../scripts/backends/jaeger.ts'
import { findStores, openStore, type StoreName } from '../../scripts/backends/stores.ts'
import { systemClock, type Clock } from '../../src/internal/clock.ts'
import { createJaegerReader } from '../../src/query/readers/jaeger/jaeger-reader.ts'
import { openOtlpFileReader } from '../../src/query/readers/otlp-file/otlp-file-reader.ts'
import { createTempoReader } from '../../src/query/readers/tempo/tempo-reader.ts'
import type { RunReader } from '../../src/query/run-reader.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { describeReader, type OpenedReader } from '../query/reader-contract.ts'
import { otlpJson } from '../support/otlp-json.ts'
import { readRecording, startRecorder, startReplay, writeRecording } from '../support/recorded-answers.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped: ${found.reason}`)

/** What a store of our own does with a span. */
const embedded = { knowsTotals: true, listsOpenRuns: true, keepsLists: true, keepsTraceState: true }
/** What Jaeger 2.0.0-rc2 does with a span. */
const legacyJaeger = { knowsTotals: true, listsOpenRuns: false, keepsLists: false, keepsTraceState: true }

/** What current versions of Jaeger and Tempo do with a span. */
const currentStore = { ...legacyJaeger, keepsLists: true }

describe.skipIf(found.status === 'missing')('readers of real backends', () => {
  // The first build takes minutes; later ones are cached.
  beforeAll(async () => void (await ensureBackends()), 900_000)

  describeReader('a file that the Collector wrote', embedded, async (spans) => {
    const directory = await mkdtemp(join(tmpdir(), 'runspan-written-'))
    const collector = await startFileWriter(directory)
    await send(collector.otlpHttpEndpoint, spans)
    const reader = await openOtlpFileReader(collector.path)
    await untilStored(reader, spans)
    return {
      reader,
      async [Symbol.asyncDispose]() {
        await reader.close()
        await collector.stop()
        await rm(directory, { recursive: true })
      },
    }
  })

  describe.each(['memory', 'badger'] as const)('with the %s store', (store) => {
    describeReader('Jaeger 2.0.0-rc2', legacyJaeger, async (spans) => {
      const jaeger = await startJaeger(store)
      await send(jaeger.otlpHttpEndpoint, spans)
      const reader = createJaegerReader(jaeger.queryUrl)
      await untilStored(reader, spans)
      return { reader, [Symbol.asyncDispose]: () => jaeger.stop() }
    })
  })
})

const title = { tempo: 'Tempo', jaeger: 'Jaeger' } as const
const recordings = fileURLToPath(new URL('../fixtures/answers', import.meta.url))
/** Set by `node scripts/backends.ts record`. */
const isRecording = process.env['RUNSPAN_RECORD_ANSWERS'] === '1'

describe.each(await findStores())('with a $name of today', (store) => {
  if (store.status === 'missing') {
    console.warn(`skipped: ${store.reason}`)
    it.skip(store.reason, () => {})
    return
  }
  // Tempo looks for what is new among what is new.
  const startsAtUnixMillis = Date.now() - 60_000
  const open = async (spans: readonly StoredSpan[]): Promise<OpenedReader> => {
    const opened = await openStore(store)
    await send(opened.otlpHttpEndpoint, spans)
    await untilStored(readerOf(store.name, opened.queryUrl), spans)
    if (store.name === 'tempo') await untilSearched(opened.queryUrl, spans)
    if (!isRecording) {
      return {
        reader: readerOf(store.name, opened.queryUrl),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      }
    }
    const recorder = await startRecorder(opened.queryUrl)
    const nowUnixMillis = Date.now()
    return {
      reader: readerOf(store.name, recorder.url, clockAt(nowUnixMillis)),
      async [Symbol.asyncDispose]() {
        const { version } = store
        const recording = {
          store: title[store.name],
          version,
          nowUnixMillis,
          startsAtUnixMillis,
          ...recorder.recorded(),
        }
        writeRecording(join(recordings, `${store.name}-${version}.json.br`), recording)
        await recorder[Symbol.asyncDispose]()
        await opened[Symbol.asyncDispose]()
      },
    }
  }
  describeReader(`${title[store.name]} ${store.version}`, currentStore, open, startsAtUnixMillis)
})

const recorded = readdirSync(recordings).filter((file) => file.endsWith('.json.br'))

describe.each(recorded)('by %s', (file) => {
  const recording = readRecording(join(recordings, file))
  const { store, version, nowUnixMillis, startsAtUnixMillis } = recording
  const replayed = async (): Promise<OpenedReader> => {
    const replay = await startReplay(recording)
    const name = store === title.tempo ? 'tempo' : 'jaeger'
    const reader = readerOf(name, replay.url, clockAt(nowUnixMillis))
    return { reader, [Symbol.asyncDispose]: () => replay[Symbol.asyncDispose]() }
  }
  describeReader(`what ${store} ${version} answered`, currentStore, replayed, startsAtUnixMillis)
})

function readerOf(name: StoreName, url: string, clock?: Clock): RunReader {
  return name === 'tempo' ? createTempoReader(url, {}, clock) : createJaegerReader(url, {}, clock)
}

function clockAt(nowUnixMillis: number): Clock {
  return { ...systemClock, nowUnixMillis: () => nowUnixMillis }
}

/** Tempo finds a trace by its id at once, and by a search when it has put it into a block, some seconds later. */
async function untilSearched(tempoUrl: string, spans: readonly StoredSpan[]): Promise<void> {
  const wanted = new Set(spans.map(({ traceId }) => traceId)).size
  const now = Math.ceil(Date.now() / 1_000)
  const query = new URLSearchParams({ q: '{}', limit: '1000', start: String(now - 600), end: String(now + 600) })
  for (let tries = 0; ; tries++) {
    const answer = (await (await fetch(`${tempoUrl}/api/search?${query.toString()}`)).json()) as { traces?: unknown[] }
    if (answer.traces?.length === wanted) return
    if (tries === 300) throw new Error(`Failed to find ${wanted} traces: there are ${answer.traces?.length ?? 0}.`)
    await delay(200)
  }
}

async function send(otlpHttpEndpoint: string, spans: readonly StoredSpan[]): Promise<void> {
  for (let at = 0; at < spans.length; at += 500) {
    const response = await fetch(`${otlpHttpEndpoint}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: otlpJson(spans.slice(at, at + 500)),
    })
    expect(response.status, await response.text()).toBe(200)
  }
}

/** A store that has answered 200 may still be writing. */
async function untilStored(reader: RunReader, spans: readonly StoredSpan[]): Promise<void> {
  const byTrace = new Map<string, Set<string>>()
  for (const { traceId, spanId } of spans) byTrace.set(traceId, (byTrace.get(traceId) ?? new Set()).add(spanId))
  for (const [traceId, ids] of byTrace) {
    for (let tries = 0; (await reader.getRun(traceId, { maxSpans: 0 }))?.spanCount !== ids.size; tries++) {
      if (tries === 100) throw new Error(`Failed to find the ${ids.size} spans of ${traceId}.`)
      await delay(100)
    }
  }
}
