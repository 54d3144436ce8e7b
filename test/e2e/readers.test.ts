import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { beforeAll, describe, expect } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startFileWriter } from '../../scripts/backends/collector.ts'
import { startJaeger } from '../../scripts/backends/jaeger.ts'
import { createJaegerReader } from '../../src/query/readers/jaeger/jaeger-reader.ts'
import { openOtlpFileReader } from '../../src/query/readers/otlp-file/otlp-file-reader.ts'
import { createTempoReader } from '../../src/query/readers/tempo/tempo-reader.ts'
import type { RunReader } from '../../src/query/run-reader.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { describeReader } from '../query/reader-contract.ts'
import { otlpJson } from '../support/otlp-json.ts'
import { startTempoStandIn } from '../support/tempo-stand-in.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped: ${found.reason}`)

/** What a store of our own does with a span. */
const embedded = { knowsTotals: true, listsOpenRuns: true, keepsLists: true, keepsTraceState: true }
/** What Jaeger 2.0.0-rc2 does with a span. */
const legacyJaeger = { knowsTotals: true, listsOpenRuns: false, keepsLists: false, keepsTraceState: true }

/** What current versions of Jaeger and Tempo do with a span. */
const currentStore = { ...legacyJaeger, keepsLists: true }
const tenYearsMillis = 10 * 365 * 86_400_000
const allTime = { lookbackMillis: tenYearsMillis, windowMillis: tenYearsMillis }

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

// Its searches fetch whole traces: too slow for every test run.
describeReader('Tempo, by a stand-in', currentStore, async (spans) => {
  const tempo = await startTempoStandIn(spans)
  return { reader: createTempoReader(tempo.url, allTime), [Symbol.asyncDispose]: () => tempo[Symbol.asyncDispose]() }
})

const tempoUrl = process.env['RUNSPAN_E2E_TEMPO']
const tempoOtlp = process.env['RUNSPAN_E2E_TEMPO_OTLP']
if (tempoUrl === undefined || tempoOtlp === undefined) {
  console.warn('skipped: a real Tempo; name an empty one with RUNSPAN_E2E_TEMPO and RUNSPAN_E2E_TEMPO_OTLP')
} else {
  describeReader('Tempo', currentStore, async (spans) => {
    await send(tempoOtlp, spans)
    const reader = createTempoReader(tempoUrl, allTime)
    await untilStored(reader, spans)
    return { reader, [Symbol.asyncDispose]: () => reader.close() }
  })
}

const currentUrl = process.env['RUNSPAN_E2E_JAEGER']
const currentOtlp = process.env['RUNSPAN_E2E_JAEGER_OTLP']
if (currentUrl === undefined || currentOtlp === undefined) {
  console.warn('skipped: a current Jaeger; name an empty one with RUNSPAN_E2E_JAEGER and RUNSPAN_E2E_JAEGER_OTLP')
} else {
  describeReader('a current Jaeger', currentStore, async (spans) => {
    await send(currentOtlp, spans)
    const reader = createJaegerReader(currentUrl)
    await untilStored(reader, spans)
    return { reader, [Symbol.asyncDispose]: () => reader.close() }
  })
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
