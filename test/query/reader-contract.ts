import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { StoredSpan } from '../../src/query/stored-span.ts'
import type { ListedRun, RunReader } from '../../src/query/run-reader.ts'
import { walkFamily } from '../../src/query/family-tree.ts'
import { walkPages } from '../../src/query/page.ts'
import { ids, longRunSpans, readerWorld, threadRuns } from './reader-world.ts'
import { at as atOfWorld } from './stored-spans.ts'

/** What backends differ in. Everything else is the same everywhere. */
export interface ReaderAbilities {
  /** Lists say how many runs there are in all. */
  readonly knowsTotals: boolean
  /** Runs without a root are listed. They can be asked for by their id everywhere. */
  readonly listsOpenRuns: boolean
  /** Lists of attribute values come back as lists; elsewhere as JSON. */
  readonly keepsLists: boolean
  /** W3C trace state comes back. */
  readonly keepsTraceState: boolean
}

/** A reader that a suite has opened. */
export interface OpenedReader extends AsyncDisposable {
  readonly reader: RunReader
}

/**
 * What every reader does. Call it with what opens a reader of a store that has the given spans, and no others.
 *
 * @param startsAtUnixMillis when the world begins. Some stores answer by the clock; the others are shown an old one
 */
export function describeReader(
  name: string,
  abilities: ReaderAbilities,
  open: (spans: readonly StoredSpan[]) => Promise<OpenedReader>,
  startsAtUnixMillis = msOfWorld(0),
): void {
  describe(`a reader of ${name}`, () => {
    const later = BigInt(startsAtUnixMillis - msOfWorld(0)) * 1_000_000n
    const at = (millis: number): bigint => atOfWorld(millis) + later
    const ms = (millis: number): number => Number(at(millis) / 1_000_000n)
    const world = readerWorld().map((span) => movedBy(later, span))
    let opened: OpenedReader
    let reader: RunReader
    beforeAll(async () => {
      opened = await open(world)
      reader = opened.reader
      // Real backends take their time.
    }, 120_000)
    const readThreadRuns = (page: { offset: number; limit: number }) => reader.listRuns({ conversationId: 'c-2' }, page)
    const listed = async (filter: Parameters<RunReader['listRuns']>[0]): Promise<string[]> => {
      const { items } = await reader.listRuns(filter)
      return items.map(({ runId }) => runId)
    }
    const familyText = async (runId: string): Promise<string[]> => {
      const family = await reader.family(runId)
      return [...walkFamily(family!.root)].map(
        ({ node, depth }) =>
          `${'  '.repeat(depth)}${node.agent ?? node.runId.slice(0, 7)}${node.kind === 'run' ? '' : ` (${node.kind})`}`,
      )
    }
    afterAll(() => opened?.[Symbol.asyncDispose](), 120_000)

    describe('getRun', () => {
      it('reads row and tree of a run (R9)', async () => {
        const run = await reader.getRun(ids.planner)
        expect(run).toMatchObject({
          runId: ids.planner,
          foundBy: 'run_id',
          agent: 'planner',
          service: 'agents',
          status: 'completed',
          goal: 'Plan the week',
          conversationId: 'c-1',
          userId: 'u-1',
          durationMillis: 1_000,
          startUnixNano: at(1_000),
          spanCount: 7,
          hasMoreSpans: false,
          gaps: ['elsewhere'],
          flags: [],
        })
        expect(
          run!.dispatches.map(({ agent, childRunId, isSpawn, goal }) => [agent, childRunId, isSpawn, goal]),
        ).toEqual([
          ['executor', ids.executor, false, undefined],
          ['critic', ids.critic, false, undefined],
          ['watcher', ids.open, false, undefined],
          ['writer', ids.writer, true, 'Write it down'],
        ])
        const names = run!.spans.map((span) => [span.name, span.parentSpanId === undefined ? '' : 'below'])
        expect(names.slice(0, 3)).toEqual([
          ['invoke_agent planner', ''],
          ['chat small', 'below'],
          ['join search', 'below'],
        ])
      })

      it('gives a span back as it was sent', async () => {
        const sent = world.find(({ traceId, name: is }) => traceId === ids.planner && is === 'chat small')!
        const got = (await reader.getRun(ids.planner))!.spans[1]!
        expect(got).toMatchObject({
          traceId: ids.planner,
          kind: 'client',
          status: { code: 'unset' },
          startUnixNano: sent.startUnixNano,
          endUnixNano: sent.endUnixNano,
          attributes: { 'gen_ai.usage.input_tokens': 100, 'app.ratio': 0.25, 'app.flag': true },
          events: [{ name: 'first token', timeUnixNano: sent.events[0]!.timeUnixNano, attributes: { n: 1 } }],
          resource: { attributes: { 'service.name': 'planning' } },
          scope: { name: 'test' },
        })
        expect(got.attributes['app.tags']).toEqual(abilities.keepsLists ? ['a', 'b'] : '["a","b"]')
      })

      it('tells own totals from those of the run, and adds no rollup to a leaf', async () => {
        const run = await reader.getRun(ids.planner)
        expect(run!.ownTotals).toMatchObject({ inputTokens: 100, costNanoUsd: 5_000n, llmCalls: 1 })
        expect(run!.totals).toMatchObject({ inputTokens: 107, costNanoUsd: 5_300n, llmCalls: 2 })
      })

      it('adds no part that the run has already', async () => {
        expect(await reader.getRun(ids.home)).toMatchObject({
          totals: { inputTokens: 10, llmCalls: 2 },
          segments: [{}],
        })
      })

      it('counts what no rollup holds, in runs and families, and says whose it is', async () => {
        const counted = { totals: { inputTokens: 41, llmCalls: 2 }, foreignTotals: { inputTokens: 40, llmCalls: 1 } }
        for (const maxSpans of [0, 100]) {
          expect(await reader.getRun(ids.foreign, { maxSpans })).toMatchObject({
            ...counted,
            ownTotals: { inputTokens: 1 },
            foreignParts: [{ service: 'summaries', totals: { inputTokens: 40 } }],
          })
        }
        expect(await reader.family(ids.foreign)).toMatchObject({ ...counted, runTotals: counted.totals })
        expect((await reader.listRuns({ agent: 'asker' })).items).toMatchObject([{ totals: { inputTokens: 1 } }])
      })

      it('takes ids in upper case and as dashed UUIDs', async () => {
        const dashed = ids.planner.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        expect((await reader.getRun(dashed))?.runId).toBe(ids.planner)
        expect((await reader.getRun(ids.planner.toUpperCase()))?.runId).toBe(ids.planner)
      })

      it('finds a run by the id that was asked for and could not be kept', async () => {
        expect(await reader.getRun(ids.requested)).toMatchObject({ runId: ids.kept, foundBy: 'requested_run_id' })
      })

      it('finds the newest execution of a run of which nothing came', async () => {
        expect(await reader.getRun(ids.lost)).toMatchObject({
          runId: ids.repeatedAgain,
          foundBy: 'first_run_id',
          attempt: 3,
        })
        // Where something came, the id means that.
        expect(await reader.getRun(ids.executor)).toMatchObject({ runId: ids.executor, foundBy: 'run_id', attempt: 1 })
      })

      it('flags a run whose root has not come', async () => {
        const run = await reader.getRun(ids.open)
        expect(run).toMatchObject({ root: undefined, status: undefined, gaps: ['root'], userId: 'u-1' })
        const unmarked = abilities.keepsTraceState ? [] : ['unmarked']
        expect(run!.flags).toEqual(['root_not_received', ...unmarked, 'spans_missing'])
      })

      it('flags what came late, and adds its numbers', async () => {
        const run = await reader.getRun(ids.late)
        expect(run).toMatchObject({ flags: ['late_spans'], openSpans: 0, totals: { inputTokens: 21, llmCalls: 2 } })
      })

      it('answers undefined for what is not there', async () => {
        expect(await reader.getRun(ids.nobody)).toBeUndefined()
      })

      it('refuses what is no run id', async () => {
        await expect(reader.getRun('order-7')).rejects.toMatchObject({ code: 'bad_request' })
        await expect(reader.getRun('0'.repeat(32))).rejects.toMatchObject({ code: 'bad_request' })
      })

      it('reads no more spans than it is told, and says that there are more (R9)', async () => {
        const run = await reader.getRun(ids.long, { maxSpans: 100 })
        expect(run).toMatchObject({
          spanCount: longRunSpans,
          hasMoreSpans: true,
          totals: { toolCalls: longRunSpans - 1 },
        })
        expect(run!.spans).toHaveLength(100)
      })
    })

    describe('iterateSpans', () => {
      it('visits every span once, in the order of starts, and loses no parent at the edge of a page (R11, R13)', async () => {
        const spans = await all(reader.iterateSpans(ids.long, { pageSize: 100 }))
        expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(longRunSpans)
        expect(spans).toHaveLength(longRunSpans)
        const sent = new Map(world.flatMap((one) => (one.traceId === ids.long ? [[one.spanId, one]] : [])))
        let last = 0n
        for (const span of spans) {
          expect(span.startUnixNano >= last).toBe(true)
          last = span.startUnixNano
          expect(span.parentSpanId).toBe(sent.get(span.spanId)!.parentSpanId)
        }
      })

      it('takes pages of 1 to 1,000 spans, 500 where nothing is said, and refuses more (R10)', async () => {
        expect(await all(reader.iterateSpans(ids.long, { pageSize: 1_000 }))).toHaveLength(longRunSpans)
        await expect(all(reader.iterateSpans(ids.long, { pageSize: 1_001 }))).rejects.toMatchObject({
          code: 'bad_request',
        })
        await expect(all(reader.iterateSpans(ids.long, { pageSize: 0 }))).rejects.toMatchObject({ code: 'bad_request' })
        // 2,300 spans are four pages of 500 and a part of a fifth.
        await expect(all(reader.iterateSpans(ids.long, { maxPages: 4 }))).rejects.toMatchObject({
          code: 'too_many_pages',
        })
        expect(await all(reader.iterateSpans(ids.long, { maxPages: 5 }))).toHaveLength(longRunSpans)
      })

      it('reads exactly 100 full pages, and throws at the 101st with the number that was read (R12)', async () => {
        expect(await all(reader.iterateSpans(ids.long, { pageSize: 23 }))).toHaveLength(longRunSpans)
        const seen: StoredSpan[] = []
        const walk = async (): Promise<void> => {
          for await (const span of reader.iterateSpans(ids.long, { pageSize: 22 })) seen.push(span)
        }
        await expect(walk()).rejects.toMatchObject({ code: 'too_many_pages', message: expect.stringContaining('2200') })
        expect(seen).toHaveLength(2_200)
      })

      it('yields nothing where there is no such run', async () => {
        expect(await all(reader.iterateSpans(ids.nobody))).toEqual([])
      })
    })

    describe('listRuns', () => {
      it('lists runs and no other traces, the newest first', async () => {
        const runs = await listed({ toUnixMillis: ms(19_000) })
        const expected = [
          ids.long,
          ids.circleTwo,
          ids.circleOne,
          ids.foreign,
          ids.home,
          ids.late,
          ids.dangling,
          ids.leftTwo,
          ids.leftOne,
          ids.repeatedAgain,
          ids.repeated,
          ids.childOfRequested,
          ids.kept,
          ids.secondExecutor,
          ...(abilities.listsOpenRuns ? [ids.open] : []),
          ids.critic,
          ids.fetcher,
          ids.executor,
          ids.planner,
        ]
        expect(runs).toEqual(expected)
      })

      it('filters by agent, user, conversation, status, parent and root', async () => {
        expect(await listed({ agent: 'executor' })).toEqual([ids.secondExecutor, ids.executor])
        expect(await listed({ userId: 'u-1' })).toEqual([
          ...(abilities.listsOpenRuns ? [ids.open] : []),
          ids.executor,
          ids.planner,
        ])
        expect(await listed({ conversationId: 'c-1' })).toEqual([ids.executor, ids.planner])
        expect(await listed({ status: 'failed' })).toEqual([ids.critic])
        expect(await listed({ parentRunId: ids.executor.toUpperCase() })).toEqual([ids.fetcher])
        expect(await listed({ parentRunId: 'order-7' })).toEqual([ids.dangling])
        expect(await listed({ rootRunId: ids.planner })).toEqual([
          ids.secondExecutor,
          ids.critic,
          ids.fetcher,
          ids.executor,
        ])
        expect(await listed({ service: 'agents', agent: 'clerk' })).toEqual([ids.dangling])
        expect(await listed({ service: 'elsewhere', agent: 'clerk' })).toEqual([])
      })

      it.runIf(abilities.listsOpenRuns)('lists runs that have not ended', async () => {
        expect(await listed({ status: 'open' })).toEqual([ids.open])
      })

      it('filters by time, cost and text', async () => {
        expect(await listed({ fromUnixMillis: ms(6_200), toUnixMillis: ms(6_250) })).toEqual([ids.leftOne])
        expect(await listed({ minCostNanoUsd: 70_001n })).toEqual([ids.secondExecutor, ids.fetcher])
        // Joined parts are in the cost of a run.
        expect(await listed({ minCostNanoUsd: 5_300n, maxCostNanoUsd: 70_000n })).toEqual([ids.executor, ids.planner])
        expect(await listed({ text: 'ferry' })).toEqual([ids.planner])
        expect(await listed({ text: 'Rate Limit' })).toEqual([ids.critic])
      })

      it('pages, and says whether there is more (R10)', async () => {
        const page = await reader.listRuns({ conversationId: 'c-2' }, { limit: 10, offset: 20 })
        expect(page).toMatchObject({ offset: 20, limit: 10, hasMore: false, flags: [] })
        expect(page.items).toHaveLength(threadRuns - 20)
        if (abilities.knowsTotals) expect(page.total).toBe(threadRuns)
        expect((await reader.listRuns({ conversationId: 'c-2' }, { limit: 25 })).hasMore).toBe(false)
        expect((await reader.listRuns({ conversationId: 'c-2' }, { limit: 24 })).hasMore).toBe(true)
        await expect(reader.listRuns({}, { limit: 1_001 })).rejects.toMatchObject({ code: 'bad_request' })
        await expect(reader.listRuns({}, { offset: -1 })).rejects.toMatchObject({ code: 'bad_request' })
      })

      it('walks all pages, exactly as many as allowed, and throws at the next one (R12)', async () => {
        expect(await all(walkPages(readThreadRuns, { pageSize: 5, maxPages: 5 }))).toHaveLength(threadRuns)
        await expect(all(walkPages(readThreadRuns, { pageSize: 5, maxPages: 4 }))).rejects.toMatchObject({
          code: 'too_many_pages',
        })
      })

      it('lists the numbers of the whole run', async () => {
        const [run] = (await reader.listRuns({ agent: 'planner' })).items as [ListedRun]
        const { totals, ownTotals, gaps, durationMillis } = (await reader.getRun(ids.planner))!
        expect(run).toMatchObject({ totals, ownTotals, gaps, durationMillis, flags: [] })
      })
    })

    describe('children and parent', () => {
      it('lists the children of a run, retries among them, the newest first', async () => {
        const { items } = await reader.children(ids.planner)
        expect(items.map(({ runId }) => runId)).toEqual([ids.secondExecutor, ids.critic, ids.executor])
        expect((await reader.children(ids.fetcher)).items).toEqual([])
      })

      it('names the parent, and who says so', async () => {
        expect(await reader.parent(ids.fetcher)).toMatchObject({
          runId: ids.executor,
          namedBy: 'child',
          run: { agent: 'executor' },
        })
        expect(await reader.parent(ids.planner)).toBeUndefined()
        expect(await reader.parent(ids.nobody)).toBeUndefined()
      })

      it('finds the parent of what has no root, or has not started, by the span that started it (A7)', async () => {
        expect(await reader.parent(ids.open)).toMatchObject({
          runId: ids.planner,
          namedBy: 'dispatch',
          run: { agent: 'planner' },
        })
        expect(await reader.parent(ids.writer)).toMatchObject({ runId: ids.planner, namedBy: 'dispatch' })
      })

      it('names a parent that is not there, and one by the id that was asked for', async () => {
        expect(await reader.parent(ids.dangling)).toEqual({ runId: 'order-7', namedBy: 'child', run: undefined })
        expect(await reader.parent(ids.leftOne)).toEqual({ runId: ids.gone, namedBy: 'child', run: undefined })
        expect(await reader.parent(ids.childOfRequested)).toMatchObject({ runId: ids.kept, namedBy: 'child' })
      })
    })

    describe('family', () => {
      it.each(['planner', 'fetcher', 'open', 'writer'] as const)(
        'reads the whole family of %s (A5, A7)',
        async (of) => {
          expect(await familyText(ids[of])).toEqual([
            'planner',
            '  executor',
            '    fetcher',
            '  critic',
            '  watcher',
            '  writer (spawned)',
            '  executor',
          ])
        },
      )

      it('has own, run and family totals, none of which counts a span twice', async () => {
        const family = await reader.family(ids.planner)
        expect(family).toMatchObject({
          runId: ids.planner,
          ownTotals: { inputTokens: 100, costNanoUsd: 5_000n },
          runTotals: { inputTokens: 107, costNanoUsd: 5_300n },
          totals: {
            inputTokens: 107 + 1_000 + 2_000 + 10 + 10_000,
            costNanoUsd: 5_300n + 70_000n + 90_000n + 600_000n,
            errors: 1,
          },
          runCount: 6,
          spawnedCount: 1,
          missingCount: 0,
          isComplete: false,
          flags: ['incomplete_numbers'],
          otherExecutions: [],
        })
      })

      it('keeps those whose parent never came together, and says that it is missing (A8)', async () => {
        expect(await familyText(ids.leftTwo)).toEqual(['3a3a3a3 (missing)', '  left', '  left'])
        expect(await reader.family(ids.leftOne)).toMatchObject({
          missingCount: 1,
          flags: ['runs_missing'],
          totals: { inputTokens: 7 },
          runTotals: { inputTokens: 3 },
        })
        expect(await familyText(ids.gone)).toEqual(['3a3a3a3 (missing)', '  left', '  left'])
        expect(await familyText(ids.dangling)).toEqual(['order-7 (missing)', '  clerk'])
      })

      it('finds children that name the id that was asked for', async () => {
        expect(await familyText(ids.childOfRequested)).toEqual(['importer', '  loader'])
        expect((await reader.family(ids.requested))?.runId).toBe(ids.kept)
      })

      it('ends where parents go in a circle', async () => {
        expect(await familyText(ids.circleTwo)).toEqual(['round', '  round'])
      })

      it('names other executions of the first run', async () => {
        const others = (await reader.family(ids.repeated))!.otherExecutions
        expect(others.map(({ runId, attempt }) => [runId, attempt])).toEqual([[ids.repeatedAgain, 3]])
        expect((await reader.family(ids.lost))?.runId).toBe(ids.repeatedAgain)
        expect((await reader.family(ids.planner))?.otherExecutions).toEqual([])
      })

      it('stops at maxRuns, and says so', async () => {
        const family = await reader.family(ids.planner, { maxRuns: 2 })
        expect(family!.runCount).toBe(2)
        expect(family!.flags).toContain('cut')
        expect(family!.isComplete).toBe(false)
      })

      it('answers undefined for what is not there, and nobody names', async () => {
        expect(await reader.family(ids.nobody)).toBeUndefined()
      })
    })

    describe('threads', () => {
      it('lists threads, the one that was active last first (R17)', async () => {
        const { items, hasMore } = await reader.listThreads()
        expect(
          items.map(({ conversationId, runCount, agents, userIds }) => [conversationId, runCount, agents, userIds]),
        ).toEqual([
          ['c-2', threadRuns, ['greeter', 'helper'], ['u-2']],
          ['c-1', 2, ['executor', 'planner'], ['u-1']],
        ])
        expect(hasMore).toBe(false)
        expect(items[0]).toMatchObject({
          totals: { inputTokens: threadRuns },
          startUnixNano: at(20_000),
          lastActiveUnixNano: at(22_450),
        })
        expect(items[1]).toMatchObject({ totals: { inputTokens: 1_107, costNanoUsd: 75_300n } })
      })

      it('filters threads by user, agent and idleness', async () => {
        const names = async (filter: Parameters<RunReader['listThreads']>[0]): Promise<string[]> =>
          (await reader.listThreads(filter)).items.map(({ conversationId }) => conversationId)
        expect(await names({ userId: 'u-1' })).toEqual(['c-1'])
        expect(await names({ agent: 'helper' })).toEqual(['c-2'])
        expect(await names({ agent: 'nobody' })).toEqual([])
        // c-1 was active until 2,000, c-2 until 22,450.
        expect(await names({ idleLongerThanMillis: 999, asOfUnixMillis: ms(3_000) })).toEqual(['c-1'])
        expect(await names({ idleLongerThanMillis: 1_001, asOfUnixMillis: ms(3_000) })).toEqual([])
        expect((await reader.listThreads({ agent: 'greeter' })).items).toMatchObject([
          { runCount: 1, lastActiveUnixNano: at(20_050) },
        ])
      })

      it('reads the newest 20 runs of a thread, and counts all of them (R14, R16)', async () => {
        const thread = await reader.thread('c-2')
        expect(thread).toMatchObject({ conversationId: 'c-2', failures: [], hasMore: true })
        expect(thread!.runs).toHaveLength(20)
        if (abilities.knowsTotals) expect(thread!.total).toBe(threadRuns)
        const starts = thread!.runs.map(({ startUnixNano }) => startUnixNano)
        expect(starts).toEqual(Array.from({ length: 20 }, (_, n) => at(20_000 + 100 * (n + 5))))
        expect(thread!.runs[0]!.spans).toHaveLength(1)
      })

      it('reads a thread of one agent, and less of it where it is told so (R14, R17)', async () => {
        expect((await reader.thread('c-2', { agent: 'greeter' }))?.runs.map(({ agent }) => agent)).toEqual(['greeter'])
        const thread = await reader.thread('c-1', { maxSpansPerRun: 2 })
        expect(thread!.runs.map(({ agent, spans, hasMoreSpans }) => [agent, spans.length, hasMoreSpans])).toEqual([
          ['planner', 2, true],
          ['executor', 1, false],
        ])
        expect(await reader.thread('c-3')).toBeUndefined()
        await expect(reader.thread('c-2', { maxRuns: 1_001 })).rejects.toMatchObject({ code: 'bad_request' })
      })
    })

    describe('reviews', () => {
      it('reads reviews and feedback, the oldest first', async () => {
        expect(await reader.reviews(ids.planner)).toMatchObject([
          { name: 'user_feedback', label: 'good', score: 0.5, reviewerKind: 'human', timeUnixNano: at(3_000) },
          { name: 'review', comment: 'Too long.', reviewerId: 'judge', reviewerKind: 'agent' },
        ])
        expect(await reader.reviews(ids.critic)).toEqual([])
        expect(await reader.reviews(ids.nobody)).toEqual([])
      })

      it('finds a review by either id of a run', async () => {
        expect(await reader.reviews(ids.requested)).toMatchObject([{ label: 'bad' }])
        expect(await reader.reviews(ids.kept)).toMatchObject([{ label: 'bad' }])
      })
    })
  })
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Milliseconds of the world as milliseconds since the epoch. */
function msOfWorld(millis: number): number {
  return Number(atOfWorld(millis) / 1_000_000n)
}

function movedBy(nanos: bigint, span: StoredSpan): StoredSpan {
  return {
    ...span,
    startUnixNano: span.startUnixNano + nanos,
    endUnixNano: span.endUnixNano + nanos,
    events: span.events.map((event) => ({ ...event, timeUnixNano: event.timeUnixNano + nanos })),
  }
}
