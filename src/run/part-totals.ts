import type { Subtotal } from './run-tally.ts'

/**
 * Why a rollup may be missing something.
 *
 * - `open_spans`: spans of the part had not ended.
 * - `shared`: somebody took the run's `ref`, or its headers by hand: nobody sees what comes of it.
 * - `handed_off`: another process began the run.
 * - `no_answer`: a service that the run was carried to did not say what its part came to: it crashed, does not trust
 *   this caller, or has no Runspan.
 * - `partial`: a service said so before its part was over, and nothing more came.
 * - `unknown_service`: an instrumentation carried the run to a host of which nobody said whether it is a service of the
 *   application.
 * - `too_many_parts`: more parts came home than a root has room to name.
 * - `checkpoint`: the run is open; these are its sums so far.
 * - `process_lost`: the process of the run ended without it; these are the last sums that were written down.
 */
export type IncompleteReason =
  | 'open_spans'
  | 'shared'
  | 'handed_off'
  | 'no_answer'
  | 'partial'
  | 'unknown_service'
  | 'too_many_parts'
  | 'checkpoint'
  | 'process_lost'

/** What a joined part tells its caller. */
export interface PartTotals {
  /** Span id of the segment's root. */
  readonly segmentId: string
  /** Segments further on whose numbers are in here too. */
  readonly nestedIds: readonly string[]
  /**
   * - `final`: nothing of the part was open, and nothing was missing.
   * - `partial`: the part was not over. Its numbers are not added: the segment's root will have them.
   * - `local`: the run is open in the part's own process, and has the numbers already.
   */
  readonly state: 'final' | 'partial' | 'local'
  readonly subtotal: Subtotal
}

/** A part of a run that is being done elsewhere. */
export interface ExpectedPart {
  /** Takes in what the part said. May be called again: a later word replaces one that was not final. */
  came(totals: PartTotals): void
  /** Nothing was sent after all. */
  withdraw(): void
}
