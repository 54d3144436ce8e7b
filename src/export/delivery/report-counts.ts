import type { Destination } from './destination.ts'
import type { DropReport } from './drop.ts'

/** What counts in a report, summed over destinations. */
interface Sums {
  readonly exported: number
  readonly rejected: number
  /** For want of space. */
  readonly dropped: number
  /** For every other reason. */
  readonly failed: number
}

/** What happened since the last report. */
export interface DeliveryCounts extends Sums {
  /** The first loss, if there was one. */
  readonly error: Error | undefined
}

/** What reports of flushes count: each span is in exactly one of them per destination. */
export class ReportCounts {
  readonly #destinations: readonly Destination[]
  #reported: Sums = { exported: 0, rejected: 0, dropped: 0, failed: 0 }
  #firstLoss: Error | undefined

  constructor(destinations: readonly Destination[]) {
    this.#destinations = destinations
  }

  noteLoss({ reason, message }: DropReport): void {
    // What ended after the shutdown is in no report.
    if (reason !== 'late') this.#firstLoss ??= new Error(`${reason}: ${message}`)
  }

  /** What happened since the last call. */
  take(): DeliveryCounts {
    const before = this.#reported
    const now = this.#sums()
    const error = this.#firstLoss
    this.#reported = now
    this.#firstLoss = undefined
    return {
      exported: now.exported - before.exported,
      rejected: now.rejected - before.rejected,
      dropped: now.dropped - before.dropped,
      failed: now.failed - before.failed,
      error,
    }
  }

  #sums(): Sums {
    let exported = 0
    let rejected = 0
    let dropped = 0
    let failed = 0
    for (const { ledger } of this.#destinations) {
      exported += ledger.exported
      rejected += ledger.rejected
      dropped += ledger.dropped.queue_full
      failed += ledger.droppedSpans - ledger.dropped.queue_full
    }
    return { exported, rejected, dropped, failed }
  }
}
