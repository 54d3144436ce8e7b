import { describe, expect, it } from 'vitest'

import { walkFamily } from '../../src/query/family-tree.ts'
import { createRunReader } from '../../src/query/create-run-reader.ts'
import { MemorySource } from '../../src/query/readers/memory-source.ts'
import { createMemoryReader } from '../../src/query/readers/memory.ts'
import type { SpanSource } from '../../src/query/span-source.ts'
import { idOf, root, span } from './stored-spans.ts'

const inThread = { 'gen_ai.conversation.id': 'c' }

describe('createRunReader', () => {
  it('reads the other runs of a thread where one fails, and names the one that did (R15)', async () => {
    const source = new MemorySource()
    source.write(['a1', 'a2', 'a3'].map((pair, at) => root(idOf(pair), { from: at, attributes: inThread })))
    const reader = createRunReader(failingAt(source, idOf('a2')))
    const thread = await reader.thread('c')
    expect(thread?.runs.map(({ runId }) => runId)).toEqual([idOf('a1'), idOf('a3')])
    expect(thread?.failures).toMatchObject([{ runId: idOf('a2'), error: { message: 'unreadable' } }])
    expect(thread?.total).toBe(3)
  })

  it('asks a store for five traces at a time (R14)', async () => {
    let open = 0
    let most = 0
    const source = new MemorySource()
    source.write(Array.from({ length: 20 }, (_, at) => root(idOf(String(10 + at)), { from: at, attributes: inThread })))
    const reader = createRunReader(
      wrapped(source, async (traceId, maxSpans) => {
        most = Math.max(most, ++open)
        await new Promise(setImmediate)
        open--
        return source.readTrace(traceId, maxSpans)
      }),
    )
    expect((await reader.thread('c'))?.runs).toHaveLength(20)
    expect(most).toBe(5)
  })

  it('looks for the runs of a family from a day before the run above them on, and hands over what it has read', async () => {
    const source = new MemorySource()
    const [top, child, early, tooEarly] = ['a1', 'a2', 'a3', 'a4'].map(idOf) as [string, string, string, string]
    const dayMillis = 86_400_000
    source.write([
      root(top, { from: dayMillis }),
      root(child, { from: dayMillis + 5, parent: top }),
      // Clocks differ, but not by more than a day.
      root(early, { from: 1, parent: top }),
      root(tooEarly, { from: -1, parent: top }),
    ])
    const known: string[][] = []
    const reader = createRunReader({
      ...wrapped(source, (traceId, maxSpans) => source.readTrace(traceId, maxSpans)),
      findRuns(filter, offset, limit, had) {
        if (filter.parentRunId !== undefined) known.push([...(had?.keys() ?? [])])
        return source.findRuns(filter, offset, limit)
      },
    })
    const family = await reader.family(child)
    expect([...walkFamily(family!.root)].map(({ node }) => node.runId)).toEqual([top, early, child])
    expect(known[0]).toEqual([child, top])
  })

  it('counts idleness from the clock where nothing else is said', async () => {
    const source = new MemorySource()
    source.write([root(idOf('a1'), { from: 0, to: 0, attributes: inThread })])
    const started = 1_763_000_000_000
    const clock = { nowUnixMillis: () => started + 1_000, every: () => () => undefined, after: unused }
    const reader = createRunReader(source, clock)
    expect((await reader.listThreads({ idleLongerThanMillis: 999 })).items).toHaveLength(1)
    expect((await reader.listThreads({ idleLongerThanMillis: 1_000 })).items).toHaveLength(0)
  })
})

describe('createMemoryReader', () => {
  it('drops whole traces beyond maxSpans, and says so of what comes later', async () => {
    const reader = createMemoryReader([], { maxSpans: 3 })
    reader.write([root(idOf('a1')), span(idOf('a1')), root(idOf('a2')), root(idOf('a3'))])
    expect(await reader.getRun(idOf('a1'))).toBeUndefined()
    expect(await reader.listRuns()).toMatchObject({ total: 2, flags: ['evicted'] })
    reader.write([root(idOf('a1'))])
    expect((await reader.getRun(idOf('a1')))?.flags).toEqual(['evicted'])
    expect((await reader.getRun(idOf('a2')))?.flags).toEqual([])
  })

  it('sees spans that come after it has been asked', async () => {
    const reader = createMemoryReader([root(idOf('a1'))])
    expect((await reader.getRun(idOf('a1')))?.spanCount).toBe(1)
    reader.write([span(idOf('a1'), { from: 1 })])
    expect((await reader.getRun(idOf('a1')))?.spanCount).toBe(2)
  })

  it('refuses a bound that is none', () => {
    expect(() => createMemoryReader([], { maxSpans: 0 })).toThrow(
      expect.objectContaining({ code: 'bad_configuration' }),
    )
  })
})

function failingAt(source: SpanSource, id: string): SpanSource {
  return wrapped(source, (traceId, maxSpans) =>
    traceId === id ? Promise.reject(new Error('unreadable')) : source.readTrace(traceId, maxSpans),
  )
}

/** A store of which only `readTrace` is another. */
function wrapped(source: SpanSource, readTrace: SpanSource['readTrace']): SpanSource {
  return {
    name: source.name,
    readTrace,
    readPages: (traceId, pageSize) => source.readPages(traceId, pageSize),
    findRuns: (filter, offset, limit) => source.findRuns(filter, offset, limit),
    findNaming: (key, runId) => source.findNaming(key, runId),
    close: () => source.close(),
  }
}

function unused(): never {
  throw new Error('not used')
}
