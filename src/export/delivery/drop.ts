/**
 * Why a span was given up.
 *
 * - `queue_full`: the bound of the queue was reached.
 * - `refused`: the destination answered that it cannot take it, alone in a request.
 * - `too_large`: alone in a request and shrunk, it was still too large.
 * - `malformed`: it could not be written as OTLP: no valid ids, or it threw when it was read.
 * - `shutdown`: it could not be delivered before the deadline of the shutdown.
 * - `spool_full`, `spool_expired`: it was the oldest in the spool when its bound in bytes or in age was reached.
 * - `spool_damaged`: what was read from the spool is not what was written.
 */
export type DropReason =
  | 'queue_full'
  | 'refused'
  | 'too_large'
  | 'malformed'
  | 'shutdown'
  | 'spool_full'
  | 'spool_expired'
  | 'spool_damaged'

/** Spans that a destination was not given. */
export interface DropReport {
  /** The name of the destination. */
  readonly destination: string
  /**
   * - `rejected`: the destination took them and said that it threw them away, a partial success.
   * - `late`: they ended after the shutdown.
   */
  readonly reason: DropReason | 'rejected' | 'late'
  /** How many spans. */
  readonly spans: number
  /** What the destination said, or the error. */
  readonly message: string
}
