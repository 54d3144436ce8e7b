import type { SpanContext, Tracer } from '@opentelemetry/api'

import type { Listed } from './open-parts.ts'
import type { RunTally } from './run-tally.ts'
import type { RunBudget } from './types.ts'

/**
 * What the registry and the rollup know of an open run or segment of this process.
 *
 * Shared between copies of the package through `Symbol.for('runspan.v1')`: fields may be added, never changed.
 */
export interface RunEntry extends Listed {
  /** The trace id. */
  readonly runId: string
  /** The run that started this one, where it is known. */
  readonly parentRunId?: string | undefined
  /** True for a joined part of a run that is owned elsewhere. */
  readonly joined: boolean
  /** True where the process that opened the run did not sample it, and has told everybody so. */
  readonly isUnsampled?: boolean | undefined
  /** Stamped on every span of this part, where the application gave it. */
  readonly conversationId: string | undefined
  readonly userId: string | undefined
  /** Starts what is still to be written about this part, an amendment for example. */
  readonly tracer: Tracer
  /** Context of the root span, once it has started. */
  readonly rootContext: SpanContext | undefined
  /** Filled in by the rollup's processor when the root span starts. */
  tally: RunTally | undefined
  /** Raised where something was done that no span of the rollup shows; the sweeper compares it, beside the tally's. */
  activity: number
  /** The run of a segment, where this process has it open: what goes on in it keeps the segment alive. */
  readonly local?: RunEntry | undefined
  /** For how many milliseconds without activity the part may stay open. */
  readonly abandonAfterMillis: number
  /** What the run may use at most. */
  readonly budget?: RunBudget | undefined
  /** Tells the run that it has gone over its budget. */
  stopForBudget?(error: Error): void
  /** Writes down how far the run has come; a segment has nothing to say. */
  checkpoint?(): void
  /** Ends the part as abandoned. */
  abandon(reason: string): void
}

/** Marks our span processors, so that `doctor` knows one when it sees it. */
export const rollupMark: unique symbol = Symbol.for('runspan.rollup-processor') as never
