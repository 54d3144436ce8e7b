import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openSqliteReader } from '../../../src/query/readers/sqlite/sqlite-reader.ts'
import { openSpanStore, type SpanStore } from '../../../src/query/readers/sqlite/span-store.ts'
import type { StoredAttributes } from '../../../src/query/stored-span.ts'
import { describeReader } from '../reader-contract.ts'
import { amendment, idOf, root, span } from '../stored-spans.ts'

const abilities = { knowsTotals: true, listsOpenRuns: true, keepsLists: true, keepsTraceState: true }

describeReader('a span store', abilities, async (spans) => {
  const directory = await mkdtemp(join(tmpdir(), 'runspan-store-'))
  const store = await openSpanStore(join(directory, 'runs.db'))
  // In many writes, so that parts of a trace meet in the file.
  for (let at = 0; at < spans.length; at += 7) await store.write(spans.slice(at, at + 7))
  return {
    reader: store.reader(),
    async [Symbol.asyncDispose]() {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})

describe('openSpanStore', () => {
  let directory: string
  let path: string
  const stores: SpanStore[] = []
  const open: typeof openSpanStore = async (...args) => {
    const store = await openSpanStore(...args)
    stores.push(store)
    return store
  }
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'runspan-store-'))
    path = join(directory, 'runs.db')
  })
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()))
    await rm(directory, { recursive: true })
  })

  it('gives values back that JSON does not have', async () => {
    const attributes: StoredAttributes = {
      big: 2n ** 62n,
      bytes: Uint8Array.of(0, 255),
      map: { inner: [1, 'two', { three: 3n }] },
      empty: null,
      nan: Number.NaN,
      text: 'ключ 🚢',
    }
    const link = { traceId: idOf('b1'), spanId: 'b1'.repeat(8), flags: 1, attributes: { odd: 1n } }
    const sent = span(idOf('a1'), {
      attributes,
      links: [link],
      traceState: 'a=1',
      status: { code: 'error', message: 'no' },
    })
    const store = await open(path)
    await store.write([sent])
    expect((await store.reader().getRun(idOf('a1')))!.spans).toEqual([sent])
  })

  it('keeps what it has when it is opened again, and by another process at the same time', async () => {
    const one = await open(path)
    const two = await open(path)
    await one.write([root(idOf('a1'))])
    await two.write([root(idOf('a2'), { parent: idOf('a1') })])
    expect((await one.reader().children(idOf('a1'))).total).toBe(1)
    await one.close()
    await two.close()
    await using reader = await openSqliteReader(path)
    expect((await reader.listRuns()).total).toBe(2)
  })

  it('answers the same in whatever order spans come, and however often', async () => {
    const first = root(idOf('a1'), { to: 10, totals: { input: 1, llm: 1 } })
    const fuller = { ...root(idOf('a1'), { to: 20, totals: { input: 2, llm: 1 } }), spanId: first.spanId }
    const spans = [
      first,
      fuller,
      amendment(fuller, { input: 5 }),
      span(idOf('a1'), { from: 1, parentSpanId: first.spanId }),
    ]
    const answers: unknown[] = []
    for (const [at, order] of [spans, spans.toReversed(), [...spans, ...spans]].entries()) {
      const store = await open(`${path}-${at}`)
      for (const one of order) await store.write([one])
      answers.push(await store.reader().getRun(idOf('a1')))
    }
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ totals: { inputTokens: 7 }, spanCount: 3 })
  })

  it('shows a tenant nothing of another: what is there and what is not look alike', async () => {
    const store = await open(path)
    await store.write([root(idOf('a1')), root(idOf('a2'), { parent: idOf('a1') })], { tenant: 'blue' })
    await store.write([root(idOf('b1'), { attributes: { 'gen_ai.conversation.id': 'c' } })], { tenant: 'red' })
    const red = store.reader({ tenant: 'red' })
    const blue = store.reader({ tenant: 'blue' })
    expect(await red.getRun(idOf('a1'))).toBeUndefined()
    expect(await red.family(idOf('a2'))).toBeUndefined()
    expect(await red.parent(idOf('a2'))).toBeUndefined()
    expect((await red.children(idOf('a1'))).items).toEqual([])
    expect((await red.listRuns()).items.map(({ runId }) => runId)).toEqual([idOf('b1')])
    expect(await blue.thread('c')).toBeUndefined()
    expect((await blue.listThreads()).items).toEqual([])
    expect((await blue.family(idOf('a2')))?.runCount).toBe(2)
    expect((await store.reader().listRuns()).items).toEqual([])
  })

  it('drops traces that are too old, and says so of what comes later', async () => {
    let nowUnixMillis = 0
    const clock = { nowUnixMillis: () => nowUnixMillis, every: () => () => undefined, after: notUsed }
    const store = await open(path, { maxAgeMillis: 60_000, clock })
    await store.write([root(idOf('a1'), { from: 10 })])
    nowUnixMillis = 70_000
    await store.write([root(idOf('a2'), { from: 20 })])
    const reader = store.reader()
    expect(await reader.listRuns()).toMatchObject({ items: [{ runId: idOf('a2') }], flags: ['evicted'] })
    // Nothing was dropped of what is asked for here.
    expect((await reader.listRuns({ fromUnixMillis: 1_763_000_000_011 })).flags).toEqual([])
    await store.write([root(idOf('a1'), { from: 10 })])
    expect((await reader.getRun(idOf('a1')))?.flags).toEqual(['evicted'])
  })

  it('stays inside its size by dropping the oldest traces', async () => {
    let nowUnixMillis = 0
    const clock = { nowUnixMillis: () => (nowUnixMillis += 20_000), every: () => () => undefined, after: notUsed }
    const maxBytes = 2 ** 20
    const store = await open(path, { maxBytes, clock })
    const filler = 'x'.repeat(4_000)
    const runs = 600
    for (let at = 0; at < runs; at++) {
      await store.write([root(at.toString(16).padStart(32, 'a'), { from: at, attributes: { filler } })])
    }
    const { total, items } = await store.reader().listRuns()
    expect(total).toBeGreaterThan(100)
    expect(total).toBeLessThan(300)
    expect(items[0]?.runId).toBe((runs - 1).toString(16).padStart(32, 'a'))
  })

  it('refuses writes that pile up, and keeps all others', async () => {
    const store = await open(path)
    const many = Array.from({ length: 60_000 }, (_, at) => span(idOf('a1'), { from: at }))
    const first = store.write(many)
    await expect(store.write(many)).rejects.toMatchObject({ code: 'store_unavailable' })
    await first
    await store.write([span(idOf('a2'))])
    expect((await store.reader().getRun(idOf('a2')))?.spanCount).toBe(1)
  })

  it('refuses files that are no span stores, stores of later versions, and options that cannot work', async () => {
    const refused = { code: 'bad_configuration' }
    await expect(openSqliteReader(path)).rejects.toMatchObject(refused)
    await writeFile(join(directory, 'text'), 'this is no database at all, and long enough to be looked at')
    await expect(openSpanStore(join(directory, 'text'))).rejects.toMatchObject(refused)
    await expect(openSpanStore(join(directory, 'no/folder.db'))).rejects.toMatchObject(refused)
    await expect(openSpanStore(path, { maxAgeMillis: 0 })).rejects.toMatchObject(refused)
    await expect(openSpanStore(path, { maxBytes: 1 })).rejects.toMatchObject(refused)
    const { DatabaseSync } = await import('node:sqlite')
    const others = new DatabaseSync(join(directory, 'others.db'))
    others.exec('CREATE TABLE mine (id)')
    others.close()
    await expect(openSpanStore(join(directory, 'others.db'))).rejects.toMatchObject(refused)
    const store = await openSpanStore(path)
    await store.close()
    const later = new DatabaseSync(path)
    later.exec('PRAGMA user_version = 99')
    later.close()
    await expect(openSpanStore(path)).rejects.toMatchObject({ message: expect.stringContaining('later version') })
  })

  it('says that it is closed', async () => {
    const store = await open(path)
    const reader = store.reader()
    await store.close()
    await expect(store.write([span(idOf('a1'))])).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(reader.getRun(idOf('a1'))).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

function notUsed(): never {
  throw new Error('not used')
}
