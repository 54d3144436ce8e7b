import { storedRunOf } from './listed-run.ts'
import { mapLimited } from './map-limited.ts'
import { checkedLimit, maxPageLimit, type Page, type PageFlag } from './page.ts'
import { readForeignWork } from './read-foreign-work.ts'
import { nanosOf } from './run-filter.ts'
import type { ListedThread, StoredRun, StoredThread, ThreadFilter, ThreadOptions } from './run-reader.ts'
import { runTreeOf } from './run-tree.ts'
import type { FoundThreads, SpanSource, ThreadQuery } from './span-source.ts'
import { sumOf, type Totals } from './totals.ts'

const defaultMaxRuns = 20
const defaultMaxSpansPerRun = 500
/** Pages of runs that are looked through where a store cannot find threads itself. */
const maxScannedPages = 100

/** Reads the newest runs of a thread. One that cannot be read takes no other with it. */
export async function readThread(
  source: SpanSource,
  conversationId: string,
  options: ThreadOptions,
): Promise<StoredThread | undefined> {
  const maxRuns = checkedLimit('maxRuns', options.maxRuns ?? defaultMaxRuns)
  const maxSpans = checkedLimit('maxSpansPerRun', options.maxSpansPerRun ?? defaultMaxSpansPerRun)
  const { traces, total, hasMore } = await source.findRuns({ conversationId, agent: options.agent }, 0, maxRuns)
  if (traces.length === 0) return undefined
  const failures: { runId: string; error: unknown }[] = []
  const read = async (traceId: string): Promise<StoredRun[]> => {
    try {
      const trace = await source.readTrace(traceId, maxSpans)
      return trace === undefined ? [] : [storedRunOf(trace, 'run_id', await readForeignWork(source, trace))]
    } catch (error) {
      failures.push({ runId: traceId, error })
      return []
    }
  }
  const oldestFirst = traces.map(({ traceId }) => traceId).toReversed()
  return { conversationId, runs: (await mapLimited(oldestFirst, read)).flat(), failures, total, hasMore }
}

/** Finds threads: the store does where it can, else its runs are grouped here. */
export async function findThreads(
  source: SpanSource,
  filter: ThreadFilter & { readonly asOfUnixMillis: number },
  offset: number,
  limit: number,
): Promise<Page<ListedThread>> {
  const { agent, userId, idleLongerThanMillis, asOfUnixMillis } = filter
  const idleSinceUnixNano =
    idleLongerThanMillis === undefined ? undefined : nanosOf(asOfUnixMillis - idleLongerThanMillis)
  const query: ThreadQuery = { agent, userId, idleSinceUnixNano }
  const { threads, total, hasMore, flags } = await (source.findThreads?.(query, offset, limit) ??
    scanThreads(source, query, offset, limit))
  return { items: threads, offset, limit, total, hasMore, flags }
}

interface OpenThread {
  readonly agents: Set<string>
  readonly userIds: Set<string>
  readonly totals: Totals[]
  startUnixNano: bigint
  lastActiveUnixNano: bigint
}

async function scanThreads(
  source: SpanSource,
  { agent, userId, idleSinceUnixNano }: ThreadQuery,
  offset: number,
  limit: number,
): Promise<FoundThreads> {
  const threads = new Map<string, OpenThread>()
  const flags = new Set<PageFlag>()
  for (let page = 0; ; page++) {
    const found = await source.findRuns({ agent, userId }, page * maxPageLimit, maxPageLimit)
    for (const flag of found.flags) flags.add(flag)
    for (const trace of found.traces) {
      const run = runTreeOf(trace.traceId, trace.outline)
      if (run.conversationId === undefined) continue
      let thread = threads.get(run.conversationId)
      if (thread === undefined) {
        thread = {
          agents: new Set(),
          userIds: new Set(),
          totals: [],
          startUnixNano: run.startUnixNano,
          lastActiveUnixNano: 0n,
        }
        threads.set(run.conversationId, thread)
      }
      if (run.agent !== undefined) thread.agents.add(run.agent)
      if (run.userId !== undefined) thread.userIds.add(run.userId)
      thread.totals.push(run.totals)
      if (run.startUnixNano < thread.startUnixNano) thread.startUnixNano = run.startUnixNano
      if (trace.lastEndUnixNano > thread.lastActiveUnixNano) thread.lastActiveUnixNano = trace.lastEndUnixNano
    }
    if (!found.hasMore) break
    if (page === maxScannedPages - 1) {
      flags.add('cut')
      break
    }
  }
  const all = [...threads]
    .filter(([, { lastActiveUnixNano }]) => idleSinceUnixNano === undefined || lastActiveUnixNano < idleSinceUnixNano)
    .map(([conversationId, thread]) => listedThread(conversationId, thread))
    .toSorted(byActivity)
  return {
    threads: all.slice(offset, offset + limit),
    total: flags.has('cut') ? undefined : all.length,
    hasMore: all.length > offset + limit,
    flags: [...flags],
  }
}

function listedThread(conversationId: string, thread: OpenThread): ListedThread {
  const { agents, userIds, totals, startUnixNano, lastActiveUnixNano } = thread
  return {
    conversationId,
    agents: [...agents].toSorted(),
    userIds: [...userIds].toSorted(),
    runCount: totals.length,
    startUnixNano,
    lastActiveUnixNano,
    totals: sumOf(totals),
  }
}

/** The thread that was active last first. */
function byActivity(a: ListedThread, b: ListedThread): number {
  if (a.lastActiveUnixNano !== b.lastActiveUnixNano) return a.lastActiveUnixNano > b.lastActiveUnixNano ? -1 : 1
  return a.conversationId < b.conversationId ? -1 : 1
}
