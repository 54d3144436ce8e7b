import type { DropReason } from './drop.ts'

/**
 * Where the spans of one destination are. Everything started is in exactly one place:
 * `startedSpans + adoptedSpans = openSpans + unsampledSpans + lateSpans + queuedSpans + inFlightSpans + spooledSpans +
 * exportedSpans + rejectedSpans` plus everything in `droppedSpans`.
 */
export interface DestinationStats {
  /** The name of the destination. */
  readonly destination: string
  /**
   * - `open`: it takes spans, as far as is known.
   * - `down`: it cannot be reached, or is busy; it is asked again with pauses.
   * - `held`: it refuses everything until a setting is changed; it is asked again with pauses.
   */
  readonly state: 'open' | 'down' | 'held'
  /** Spans that began; behind somebody's batch processor, spans that were handed over. */
  readonly startedSpans: number
  /** Spans that were taken over from the spool of a process that has ended. */
  readonly adoptedSpans: number
  /** Spans that have not ended yet, or that a sampling processor before this one keeps to itself. */
  readonly openSpans: number
  /** Spans that were recorded and not sampled. */
  readonly unsampledSpans: number
  /** Spans that ended after the shutdown. */
  readonly lateSpans: number
  /** Spans that wait: to be encoded, to share a request, or for the destination to take them. */
  readonly queuedSpans: number
  /** What those and the ones in flight count against `maxQueueSizeBytes`. */
  readonly queuedBytes: number
  /** Spans in requests without an answer so far. */
  readonly inFlightSpans: number
  /** Spans that wait in the spool alone. Those of a request that is in flight count there. */
  readonly spooledSpans: number
  /** Spans that the destination took. */
  readonly exportedSpans: number
  /** Spans that the destination took and threw away: a partial success. */
  readonly rejectedSpans: number
  /** Spans that were given up, by reason. */
  readonly droppedSpans: Readonly<Record<DropReason, number>>
  /** Spans in requests that failed and were queued again; a span counts each time. In no place of their own. */
  readonly retriedSpans: number
  /** Spans that were shortened to fit. In no place of their own. */
  readonly truncatedSpans: number
}
