import type { ForeignWork } from './foreign-parts.ts'
import type { PageFlag } from './page.ts'
import type { RunFilter } from './run-filter.ts'
import type { ListedThread } from './run-reader.ts'
import type { StoredSpan } from './stored-span.ts'

/**
 * A store of spans, as far as reading runs needs one. `createRunReader` makes a {@link RunReader} of it, with all that
 * a caller may ask; a store has to answer these questions alone, and says what it cannot know.
 *
 * Answers may be as fresh as the store is. A store that does not answer throws; one that has nothing says so.
 */
export interface SpanSource {
  /** What it is, for people: `Jaeger at http://…`. */
  readonly name: string

  /**
   * Reads one trace.
   *
   * @param traceId 32 lower-case hex digits
   * @param maxSpans how many spans to read at most; {@link StoredTrace.outline} has all of its own, whatever this is
   * @returns `undefined` where the store has no span of it, or none that this reader may see
   * @throws {@link RunspanError} `store_unavailable`
   */
  readTrace(traceId: string, maxSpans: number): Promise<StoredTrace | undefined>

  /**
   * Reads the spans of one trace in the order in which they started, each once, in pages of `pageSize`; the last may be
   * shorter. Nothing where there is no such trace.
   *
   * @throws {@link RunspanError} `store_unavailable`
   */
  readPages(traceId: string, pageSize: number): AsyncIterable<readonly StoredSpan[]>

  /**
   * Finds runs, the newest start first.
   *
   * @param filter run ids in it are 32 lower-case hex digits where they are run ids
   * @param known traces that the caller has read for the same answer. A store that would have to fetch each trace it
   *   finds may give these back instead; any other has no need of them
   * @throws {@link RunspanError} `store_unavailable`
   */
  findRuns(
    filter: RunFilter,
    offset: number,
    limit: number,
    known?: ReadonlyMap<string, TraceOutline>,
  ): Promise<FoundTraces>

  /**
   * Finds spans of any trace that name a run: the dispatch spans that started it, the reviews of it.
   *
   * @throws {@link RunspanError} `store_unavailable`
   */
  findNaming(key: NamingKey, runId: string): Promise<readonly StoredSpan[]>

  /**
   * Finds threads, the one that was active last first. A store that cannot has its runs read instead.
   *
   * @param filter `idleSinceUnixNano`: threads in which nothing has ended since
   * @throws {@link RunspanError} `store_unavailable`
   */
  findThreads?(filter: ThreadQuery, offset: number, limit: number): Promise<FoundThreads>

  /** Lets go of what is open. The second call does nothing. */
  close(): Promise<void>
}

/** Keys of attributes by which spans name a run of another trace. */
export type NamingKey = 'runspan.child_run.id' | 'runspan.target_run.id'

/** What a store has of a trace, without all of its spans. */
export interface TraceOutline {
  readonly traceId: string
  /**
   * All roots, segment roots, amendments, dispatch spans, start markers and checkpoints, and the first span: what a run's numbers and relations are
   * read from. In the order in which they started.
   */
  readonly outline: readonly StoredSpan[]
  /** Something in the trace says that it is a run. */
  readonly isMarked: boolean
  /** The latest end of all spans, in nanoseconds since the epoch. */
  readonly lastEndUnixNano: bigint
  /** The store said that it gave a part of the trace only. */
  readonly isTruncated: boolean
  /** The store has dropped this trace once; what is there came later. */
  readonly isEvicted: boolean
  /**
   * Counts what no rollup of the trace holds. `storedTraceOf` brings it; where there is none, the trace is read for it.
   */
  readonly foreignWork?: (() => ForeignWork | undefined) | undefined
}

/** What a store has of a trace. */
export interface StoredTrace extends TraceOutline {
  /** In the order in which they started, each once; the first `maxSpans` of them. */
  readonly spans: readonly StoredSpan[]
  /** How many spans the store has of it. */
  readonly spanCount: number
}

/** Traces that are runs and fit a filter. */
export interface FoundTraces {
  readonly traces: readonly TraceOutline[]
  /** How many fit in all; `undefined` where the store does not know. */
  readonly total: number | undefined
  readonly hasMore: boolean
  readonly flags: readonly PageFlag[]
}

/** Which threads are wanted. */
export interface ThreadQuery {
  readonly agent?: string | undefined
  readonly userId?: string | undefined
  readonly idleSinceUnixNano?: bigint | undefined
}

/** Threads that fit. */
export interface FoundThreads {
  readonly threads: readonly ListedThread[]
  readonly total: number | undefined
  readonly hasMore: boolean
  readonly flags: readonly PageFlag[]
}
