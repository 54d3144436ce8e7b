import type { Family } from './family-tree.ts'
import type { Page, PageRequest } from './page.ts'
import type { RunFilter } from './run-filter.ts'
import type { RunTree } from './run-tree.ts'
import type { StoredSpan } from './stored-span.ts'
import type { Totals } from './totals.ts'

/**
 * Reads runs back from wherever their spans were sent.
 *
 * Every reader answers alike; what a backend cannot know, the answer says. A run that is not there and one that this
 * reader's credentials may not see are the same answer: `undefined`, or an empty list. Run ids are taken as 32 hex
 * digits and as dashed UUIDs, in upper and lower case.
 *
 * What was sent a moment ago may not be there yet: ask again before you conclude that it was lost.
 *
 * All methods throw {@link RunspanError}: `store_unavailable` where the store does not answer, `bad_request` where the
 * question cannot be answered.
 */
export interface RunReader extends AsyncDisposable {
  /** What is read from, for people: `Jaeger at http://…`. */
  readonly name: string

  /**
   * Reads one run: its spans, its numbers, and what may be missing from them. An id that was asked for and could not be
   * kept finds the run all the same; so does the id of a delivery of which nothing came, through its later execution.
   *
   * @returns `undefined` where there is no such run, or not yet
   */
  getRun(runId: string, options?: GetRunOptions): Promise<StoredRun | undefined>

  /** Lists runs, the newest first. */
  listRuns(filter?: RunFilter, page?: PageRequest): Promise<Page<ListedRun>>

  /**
   * Yields every span of a run in the order in which they started, each once and with its parent's id, holding one page
   * of them where the store has pages. Nothing where there is no such run.
   *
   * @throws {@link RunspanError} `too_many_pages` where there are spans left after the last page allowed
   */
  iterateSpans(runId: string, options?: IterateSpansOptions): AsyncIterable<StoredSpan>

  /** Lists the runs that name this one as their parent, the newest first. */
  children(runId: string, page?: PageRequest): Promise<Page<ListedRun>>

  /** Who started a run. `undefined` where nobody is known to have. */
  parent(runId: string): Promise<ParentRun | undefined>

  /**
   * Reads the family of a run: up to its first run, and down to all descendants, those included that were spawned and
   * have never started.
   *
   * @returns `undefined` where there is no such run, and no other names it
   */
  family(runId: string, options?: FamilyOptions): Promise<StoredFamily | undefined>

  /** Lists threads, the one that was active last first. */
  listThreads(filter?: ThreadFilter, page?: PageRequest): Promise<Page<ListedThread>>

  /**
   * Reads the newest runs of a thread with their spans, five at a time.
   *
   * @returns `undefined` where there is no such thread
   */
  thread(conversationId: string, options?: ThreadOptions): Promise<StoredThread | undefined>

  /**
   * Reads reviews of a run and feedback on it, the oldest first. What went out as log records is in stores of Runspan's own
   * (memory, span store, files, `runspan serve`) where they were sent the logs too; Jaeger and Tempo keep no logs.
   */
  reviews(runId: string): Promise<readonly Review[]>

  /** Lets go of what is open. The second call does nothing. */
  close(): Promise<void>
}

/** Options of {@link RunReader.getRun}. */
export interface GetRunOptions {
  /** How many spans to read at most; the numbers are those of the whole run all the same. @defaultValue 100_000 */
  readonly maxSpans?: number | undefined
}

/** Options of {@link RunReader.iterateSpans}. */
export interface IterateSpansOptions {
  /** Spans per page, from 1 to 1,000. @defaultValue 500 */
  readonly pageSize?: number | undefined
  /** Pages to read at most: exactly as many full ones are no error. @defaultValue 100 */
  readonly maxPages?: number | undefined
}

/**
 * What may be missing, or came in an odd way. Never guessed: each is something that the spans or the store say.
 *
 * - `root_not_received`: no root span: the run is open, or its process was lost.
 * - `late_spans`: something ended after the root, by more than clocks differ: ten milliseconds, and a ten-thousandth of how
 *   long the run took. Its numbers are in the totals where an amendment reports them.
 * - `spans_missing`: a span names a parent that is not there.
 * - `truncated`: the store gave a part of the trace only.
 * - `evicted`: the store has dropped the run once; what is there came later.
 * - `unmarked`: nothing in the trace says that it is a run.
 * - `cut`: of more than 100,000 spans, the rest was not looked through for work that no rollup holds.
 */
export type RunFlag =
  | 'root_not_received'
  | 'late_spans'
  | 'spans_missing'
  | 'truncated'
  | 'evicted'
  | 'unmarked'
  | 'cut'

/** A run as {@link RunReader.getRun} reads it. */
export interface StoredRun extends RunTree {
  /** How the id that was asked for names this run. */
  readonly foundBy: 'run_id' | 'requested_run_id' | 'first_run_id'
  /** How many spans there are; {@link RunTree.spans} may have fewer. */
  readonly spanCount: number
  readonly hasMoreSpans: boolean
  readonly flags: readonly RunFlag[]
}

/**
 * A run as lists have it: all that is known without its spans. So its totals are what Runspan wrote, without
 * {@link RunTree.foreignParts}.
 */
export interface ListedRun extends Omit<
  RunTree,
  'root' | 'segments' | 'agents' | 'foreignParts' | 'foreignTotals' | 'dispatches' | 'spans'
> {
  /** `spans_missing` and `cut` are never among them: a list does not look at all spans. */
  readonly flags: readonly RunFlag[]
}

/** The run that started another. */
export interface ParentRun {
  /** As it was written: usually a run id. */
  readonly runId: string
  /**
   * Who says so: the child's own root, or, where that has not come, the span that started the child.
   */
  readonly namedBy: 'child' | 'dispatch'
  /** `undefined` where nothing of it is there. */
  readonly run: ListedRun | undefined
}

/** Options of {@link RunReader.family}. */
export interface FamilyOptions {
  /** How many runs to read at most; where there are more, the family is flagged. @defaultValue 1_000 */
  readonly maxRuns?: number | undefined
}

/**
 * What may be missing from a family.
 *
 * - `runs_missing`: a run is named by others, and nothing of it is there.
 * - `cut`: there are more runs than `maxRuns`, or more than the store looks through.
 * - `incomplete_numbers`: the numbers of a run may be incomplete; its own gaps say why.
 * - `truncated`, `evicted`: as of runs.
 */
export type FamilyFlag = 'runs_missing' | 'cut' | 'incomplete_numbers' | 'truncated' | 'evicted'

/**
 * A family as it is read back. {@link RunTree.spans} of its runs has roots, segment roots, amendments and dispatch spans
 * only: a family may be large, and its numbers are in those.
 */
export interface StoredFamily extends Family {
  /** The run that was asked for, as the family knows it. */
  readonly runId: string
  /** What the process of that run saw of it; `undefined` where it reported nothing or is not there. */
  readonly ownTotals: Totals | undefined
  /** That run with its joined parts; `undefined` where it is not there. */
  readonly runTotals: Totals | undefined
  /** Other executions of the family's first run, which have families of their own: retries, and what they repeat. */
  readonly otherExecutions: readonly ListedRun[]
  readonly flags: readonly FamilyFlag[]
}

/** Which threads are wanted. */
export interface ThreadFilter {
  readonly agent?: string | undefined
  readonly userId?: string | undefined
  /** Threads in which nothing has ended for longer than this, in milliseconds before `asOfUnixMillis`. */
  readonly idleLongerThanMillis?: number | undefined
  /** The time that idleness is counted from, in milliseconds since the epoch. @defaultValue now */
  readonly asOfUnixMillis?: number | undefined
}

/** The runs that share a conversation id; of one agent where that was asked for. */
export interface ListedThread {
  readonly conversationId: string
  /** Names of the agents that ran in it, sorted. */
  readonly agents: readonly string[]
  /** Its users, sorted. */
  readonly userIds: readonly string[]
  readonly runCount: number
  /** Start of its first run, in nanoseconds since the epoch. */
  readonly startUnixNano: bigint
  /** The latest end of its runs' spans, in nanoseconds since the epoch. */
  readonly lastActiveUnixNano: bigint
  /** Of all of its runs. */
  readonly totals: Totals
}

/** Options of {@link RunReader.thread}. */
export interface ThreadOptions {
  /** Only the runs of this agent. */
  readonly agent?: string | undefined
  /** How many runs to read with their spans, the newest, from 1 to 1,000. @defaultValue 20 */
  readonly maxRuns?: number | undefined
  /** How many spans to read of each, from 1 to 1,000. @defaultValue 500 */
  readonly maxSpansPerRun?: number | undefined
}

/** A thread with the newest of its runs. */
export interface StoredThread {
  readonly conversationId: string
  /** In the order in which they started. */
  readonly runs: readonly StoredRun[]
  /** Runs that could not be read, and why; the others are there all the same. */
  readonly failures: readonly { readonly runId: string; readonly error: unknown }[]
  /** How many runs it has, those that were not read included; `undefined` where the store does not know. */
  readonly total: number | undefined
  readonly hasMore: boolean
}

/** What somebody thinks of a run. */
export interface Review {
  /** What is judged: `user_feedback`, `review` … */
  readonly name: string | undefined
  readonly score: number | undefined
  readonly label: string | undefined
  readonly comment: string | undefined
  readonly reviewerId: string | undefined
  /** human, agent or code. */
  readonly reviewerKind: string | undefined
  /** When it was given, in nanoseconds since the epoch. */
  readonly timeUnixNano: bigint
  /** The span that carries it, or that stands for the log record that does. */
  readonly span: StoredSpan
}
