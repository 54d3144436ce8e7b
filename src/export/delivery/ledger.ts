import type { DropReason } from './drop.ts'

/** What became of spans at one destination, since the start. Where they are now, the destination itself knows. */
export class Ledger {
  /** Taken by the destination. */
  exported = 0
  /** Taken by the destination and thrown away there: a partial success. Never sent again. */
  rejected = 0
  /** Taken over from the spool of a process that has ended. */
  adopted = 0
  /** Spans in requests that were sent again; a span counts each time. */
  retried = 0
  /** Spans that were shortened to fit. */
  truncated = 0
  readonly dropped: Record<DropReason, number> = {
    queue_full: 0,
    refused: 0,
    too_large: 0,
    malformed: 0,
    shutdown: 0,
    spool_full: 0,
    spool_expired: 0,
    spool_damaged: 0,
  }

  /** Spans given up, for whatever reason. */
  get droppedSpans(): number {
    let sum = 0
    for (const reason of Object.keys(this.dropped) as DropReason[]) sum += this.dropped[reason]
    return sum
  }
}
