import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openSpanStore } from '../../src/query/readers/sqlite/span-store.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { serve } from '../../src/viewer/serve/serve.ts'
import { manyId, manySpans } from '../support/many-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url))
const run = promisify(execFile)

describe('a span store', () => {
  let directory: string
  let path: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'runspan-bars-'))
    path = join(directory, 'runs.db')
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('takes 20,000 spans a second from four writers, or half of what bare inserts of its rows reach', async () => {
    const writes = Array.from({ length: 200 }, (_, at) =>
      Array.from({ length: 50 }, (__, n) => manySpans(50 * at + n, 10)).flat(),
    )
    // Whatever else the machine does, it does to both.
    const rounds: { ours: number; bare: number }[] = []
    for (let round = 0; round < 3; round++) {
      const file = `${path}-${round}`
      const ours = await spansPerSecond(writes, file)
      rounds.push({ ours, bare: bareSpansPerSecond(file, 500) })
    }
    const ratios = rounds.map(({ ours, bare }) => ours / bare).toSorted((a, b) => a - b)
    const best = Math.max(...rounds.map(({ ours }) => ours))
    console.log(
      `span store: ${best} spans/s; beside bare inserts of the same rows ${ratios.map((r) => r.toFixed(2)).join(', ')}`,
    )
    expect(best >= 20_000 || ratios[1]! >= 0.5).toBe(true)
  })

  it('has every span that was acknowledged when its process is killed in mid-write', async () => {
    let acknowledged = 0
    for (let kills = 1; kills <= 5; kills++) {
      const first = 100_000 * kills
      const writer = spawn(process.execPath, [fixture('store-writer'), path, String(first), '10000', '20'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let runs = 0
      for await (const line of createInterface(writer.stdout)) {
        runs = Number(line)
        // Lines that are on their way still count.
        if (runs >= 60 * kills) writer.kill('SIGKILL')
      }
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
      expect(writer.signalCode).toBe('SIGKILL')
      acknowledged += runs
      await using store = await openSpanStore(path)
      const reader = store.reader()
      for (let at = 0; at < runs; at++) {
        expect((await reader.getRun(manyId(first + at), { maxSpans: 0 }))?.spanCount).toBe(10)
      }
      expect((await reader.listRuns({}, { limit: 1 })).total).toBeGreaterThanOrEqual(acknowledged)
    }
    const { integrity_check: integrity } = new DatabaseSync(path).prepare('PRAGMA integrity_check').get()!
    expect(integrity).toBe('ok')
  })

  it('is written by two processes and read by a third at the same time', async () => {
    await (await openSpanStore(path)).close()
    const writers = [0, 1].map((n) =>
      run(process.execPath, [fixture('store-writer'), path, String(n * 1_000), '1000', '10']),
    )
    const writing = { isOver: false }
    const both = Promise.all(writers).finally(() => (writing.isOver = true))
    await using store = await openSpanStore(path, { create: false })
    let reads = 0
    while (!writing.isOver) {
      const { items } = await store.reader().listRuns({}, { limit: 10 })
      for (const { totals } of items) expect(totals.spans).toBe(10)
      reads++
      await new Promise(setImmediate)
    }
    await both
    expect(reads).toBeGreaterThan(1)
    expect((await store.reader().listRuns({}, { limit: 1 })).total).toBe(2_000)
  })

  it('finds the children of a run among a million spans in milliseconds', async () => {
    await using store = await openSpanStore(path, { maxBytes: 2 ** 33 })
    const reader = store.reader()
    const timeOfChildren = async (parents: number): Promise<number> => {
      const times: number[] = []
      for (let at = 0; at < 50; at++) {
        const parent = (at * 97) % parents
        const started = performance.now()
        const { total } = await reader.children(manyId(parent))
        times.push(performance.now() - started)
        expect(total).toBe(20)
      }
      return times.toSorted((a, b) => a - b)[25]!
    }
    let written = 0
    const writeRuns = async (until: number): Promise<void> => {
      for (; written < until; written += 500) {
        const batch: StoredSpan[] = []
        for (let at = written; at < written + 500; at++) batch.push(...manySpans(at, 10, Math.floor(at / 20)))
        await store.write(batch)
      }
    }
    await writeRuns(1_000)
    const few = await timeOfChildren(50)
    await writeRuns(100_000)
    const many = await timeOfChildren(5_000)
    console.log(`children of a run: ${few.toFixed(2)} ms among 10,000 spans, ${many.toFixed(2)} ms among 1,000,000`)
    expect(many).toBeLessThan(20)
  }, 600_000)

  it.each(['a span store', 'a file', 'runspan serve'] as const)(
    'walks 100,000 spans of %s in a heap that could not hold them',
    async (kind) => {
      const spans = manySpans(1, 100_000)
      if (kind === 'a file') {
        path = join(directory, 'runs.jsonl')
        for (let at = 0; at < spans.length; at += 1_000)
          await appendFile(path, `${otlpJson(spans.slice(at, at + 1_000))}\n`)
      } else {
        await using store = await openSpanStore(path)
        for (let at = 0; at < spans.length; at += 1_000) await store.write(spans.slice(at, at + 1_000))
      }
      await using server = kind === 'runspan serve' ? await serve({ path, port: 0 }) : undefined
      const from = server?.url ?? path
      expect((await inSmallHeap('walk', from)).stdout).toBe('100000\n')
      // The control: all of them at once are too many.
      await expect(inSmallHeap('read', from)).rejects.toThrow(/heap/)
    },
  )
})

function inSmallHeap(how: 'walk' | 'read', path: string): Promise<{ readonly stdout: string }> {
  return run(process.execPath, ['--max-old-space-size=40', fixture('span-walker'), path, manyId(1), how])
}

async function spansPerSecond(writes: readonly (readonly StoredSpan[])[], path: string): Promise<number> {
  await using store = await openSpanStore(path)
  const left = writes.values()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const spans of left) await store.write(spans)
    }),
  )
  const seconds = (performance.now() - started) / 1_000
  return Math.round(writes.reduce((sum, spans) => sum + spans.length, 0) / seconds)
}

/** Inserts the rows of a store's span table into another of the same form, and does nothing else. */
function bareSpansPerSecond(path: string, rowsPerTransaction: number): number {
  const from = new DatabaseSync(path)
  const rows = from.prepare(
    'SELECT trace, span_id, start_ns, end_ns, is_outline, weight, origin, body FROM span ORDER BY id',
  )
  rows.setReadBigInts(true)
  const all = rows.all().map((row) => Object.values(row))
  const schema = from.prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = 'span' AND sql IS NOT NULL").all()
  from.close()
  const to = new DatabaseSync(`${path}-bare`)
  to.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  for (const { sql } of schema) to.exec(String(sql))
  const insert = to.prepare(
    'INSERT INTO span (trace, span_id, start_ns, end_ns, is_outline, weight, origin, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const started = performance.now()
  for (let at = 0; at < all.length; at += rowsPerTransaction) {
    to.exec('BEGIN IMMEDIATE')
    for (const row of all.slice(at, at + rowsPerTransaction)) insert.run(...row)
    to.exec('COMMIT')
  }
  const seconds = (performance.now() - started) / 1_000
  to.close()
  return Math.round(all.length / seconds)
}
