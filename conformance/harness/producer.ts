import type { RollupOptions } from 'runspan'
import type { IdGenerator, SpanProcessor } from '@opentelemetry/sdk-trace-node'

import type { LedgerEntry } from '../../examples/model-server/ledger.ts'

/** What Runspan needs of a set-up of OpenTelemetry; the producer brings the rest. */
export interface SetUp {
  readonly idGenerator: IdGenerator
  /** The rollup first, then the harness's recorder. A producer's own processors go between the two, or behind. */
  readonly spanProcessors: SpanProcessor[]
}

/** What a case works with. */
export interface Kit {
  /** Of the model server, without a path. */
  readonly origin: string
  /** `{origin}/v1`, what OpenAI's clients take. */
  readonly baseUrl: string
  /** What a tool does. Call it in the producer's tool: the harness counts how often a tool really ran. */
  search(query: string): string
  /** Counts a tool that does something else, for example ask another agent. */
  toolRan(): void
  /**
   * To spread into a client's options: nothing, or Runspan's `llmFetch` as its `fetch`, where the case is done a second
   * time because the producer keeps numbers to itself.
   */
  readonly fetching: { readonly fetch?: typeof globalThis.fetch }
}

/** One thing a producer does, in a run of its own with a bill of its own. */
export interface Case {
  /** Unique within the producer; a row of the table. Begins with `replayed:` where the package cannot run here. */
  readonly title: string
  /**
   * Does it. What it throws fails the case.
   *
   * @returns anything; a promise is awaited
   */
  readonly run: (kit: Kit) => unknown
  /**
   * Whether the case makes its own root span and {@link Case.run} is not called inside `wrapAgent`: the rollup is then
   * read from the one span without a parent, which the processor has to adopt.
   */
  readonly adopted?: boolean
  /** Whether it runs below a server's span that Runspan knows nothing of: the totals are then those of its agent. */
  readonly below?: 'server'
  /** HTTP statuses of the first requests; they are refused and cost nothing. */
  readonly refused?: readonly number[]
  /** Where the case hangs up on a stream: after how many of its events, so that the bill is the same each time. */
  readonly hangsUpAfter?: number
  /** Spans that stand for no call in the books. */
  readonly failed?: {
    /** Calls that were refused: Runspan counts them as calls that failed. */
    readonly calls: number
    /** Spans that their producer never ends. */
    readonly open?: number
    /** Of those calls, the ones whose span does not say that they failed: their cost is unknown. */
    readonly unpriced?: number
    readonly because?: string
  }
  /**
   * Calls whose usage nobody can know, because the response did not say it or the producer does not pass it on. Runspan
   * has to count the calls, and to leave their tokens and cost out.
   */
  readonly untold?: {
    readonly is: (entry: LedgerEntry) => boolean
    /** The sentence that the table gives as the reason. */
    readonly because: string
    /**
     * How such a call shows up. `unpriced`: as a call whose cost nobody knows. `failed`: as a failure, which Runspan
     * does not count as unpriced. `open`: as a span that never ends, so that the run is marked as incomplete.
     * `unseen`: not at all. @defaultValue 'unpriced'
     */
    readonly ends?: 'unpriced' | 'failed' | 'open' | 'unseen'
  }
  /**
   * Numbers that the producer does not pass on, although the bill has them, with the sentence that the table gives as
   * the reason. The call is then expected to be priced without them.
   */
  readonly unsaid?: Partial<
    Record<'output' | 'cacheRead' | 'cacheWrite' | 'cacheWriteHour' | 'reasoning' | 'toolCalls', string>
  >
  /** Why nobody reads an answer to its end, nor hangs up on it, so that `llmFetch` does not learn what it says either. */
  readonly unread?: string
  /** Where what a producer passes on of a bill is something else than a number less, with the reason. */
  readonly reduced?: { readonly to: (entry: LedgerEntry) => LedgerEntry; readonly because: string }
  /** For a case that replays spans: what they say was billed. The model server's books are not read. */
  readonly billed?: readonly LedgerEntry[]
}

/** A package that writes usage, with what it can do. The module of a producer exports one of these as `producer`. */
export interface Producer {
  /** As the table names it. */
  readonly title: string
  /** The packages under test; the table names their installed versions. */
  readonly packages: readonly string[]
  /** Sets OpenTelemetry and the producer up as the producer's own documentation says. Called once, before the cases. */
  readonly start: (setUp: SetUp) => void | Promise<void>
  /** Spans that come from Runspan's `tool` or the producer's own, or none at all. Decides whether tool calls compare. */
  readonly showsTools: boolean
  /** Whether its clients take {@link Kit.fetching}. */
  readonly takesFetch?: boolean
  /** Options of the rollup, for producers that need some. */
  readonly rollup?: RollupOptions
  readonly cases: readonly Case[]
}
