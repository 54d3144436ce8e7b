import type { RunRollupProcessor } from '../rollup/run-rollup-processor.ts'
import type { SpanProcessorLike } from '../rollup/span-like.ts'
import { shared } from '../run/shared.ts'
import type { DestinationStats } from './delivery/delivery-stats.ts'
import type { RunspanSpanProcessor } from './delivery/runspan-span-processor.ts'
import type { Delivery } from './delivery.ts'
import type { FlushReport } from './flush-report.ts'
import { settle } from './settle.ts'

/** What `registerRunspan` set up. */
export interface RegisteredRunspan extends AsyncDisposable {
  /** Sends everything that has ended, waits for what is in flight, and says what became of it. Never rejects. */
  flush(): Promise<FlushReport>
  /**
   * Ends the runs that are still open as abandoned, flushes, and shuts everything down. Once: a second call returns the
   * same promise. Never rejects.
   */
  shutdown(): Promise<FlushReport>
  /** Where every span is, per destination; empty where an exporter of somebody else sends them. */
  stats(): readonly DestinationStats[]
}

/** The parts of a set-up that a registration looks after. */
export interface RegistrationParts {
  /** Every processor of the provider in its order. */
  readonly processors: readonly SpanProcessorLike[]
  readonly rollup: RunRollupProcessor | undefined
  readonly delivery: Delivery
  /** The processor of ours that exports, where it is not somebody's exporter. */
  readonly runspan: RunspanSpanProcessor | undefined
  readonly flushTimeoutMillis: number
}

/**
 * A set-up while it lives.
 *
 * - open: spans are taken, and flushed when asked.
 * - shut down: entered by the first {@link shutdown}; nothing is taken any more, and a flush only waits for it. Never left.
 */
export class Registration implements RegisteredRunspan {
  readonly #parts: RegistrationParts
  readonly #cleanups: (() => void)[] = []
  #shutdown: Promise<FlushReport> | undefined

  constructor(parts: RegistrationParts) {
    this.#parts = parts
  }

  /** Adds what a shutdown undoes first: listeners, subscriptions. */
  onShutdown(cleanup: () => void): void {
    this.#cleanups.push(cleanup)
  }

  flush(): Promise<FlushReport> {
    return this.#shutdown ?? this.#report(() => this.#drain())
  }

  shutdown(): Promise<FlushReport> {
    this.#shutdown ??= this.#close()
    return this.#shutdown
  }

  stats(): readonly DestinationStats[] {
    return this.#parts.runspan?.stats() ?? []
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown().then(() => undefined)
  }

  /** Flushes for the end of the process: nobody reads a report, so its counts stay for one that is asked for. */
  async flushUnreported(): Promise<void> {
    if (this.#shutdown !== undefined) await this.#shutdown
    else await withDeadline(this.#drain(), this.#parts.flushTimeoutMillis)
  }

  /** Ends open runs, and reports late numbers, while nothing can be awaited any more. */
  endOpenRuns(): void {
    for (const entry of shared().open.values()) entry.abandon('process_exit')
    void this.#parts.rollup?.forceFlush()
  }

  /** Whether what is sent in the very last moment of the process arrives. */
  get sendsAtExit(): boolean {
    return this.#parts.runspan !== undefined
  }

  /** Whether spans have ended since this was last asked, or are on their way. */
  takeUnsent(): boolean {
    return this.#parts.delivery.takeUnsent()
  }

  #close(): Promise<FlushReport> {
    for (const cleanup of this.#cleanups.splice(0)) cleanup()
    const work = async (): Promise<readonly unknown[]> => {
      // First, while the exporting processor still takes the roots of abandoned runs.
      await settle([this.#parts.rollup], (processor) => processor?.shutdown())
      const errors = await this.#drain()
      return [...errors, ...(await settle(this.#parts.processors, (processor) => processor.shutdown()))]
    }
    return this.#report(work, () => this.#parts.runspan?.delivery.close())
  }

  /** @returns what the processors rejected with */
  async #drain(): Promise<readonly unknown[]> {
    const { processors, delivery, runspan } = this.#parts
    // The rollup comes first in the list and reports late numbers as spans, synchronously; then the others send them.
    const errors = await settle(processors, (processor) => processor.forceFlush())
    // Ours stops waiting at a deadline of its own; that of the whole is what counts here.
    await runspan?.delivery.drained()
    // The batch processor does not wait for what it had sent before.
    return [...errors, ...(await delivery.settled())]
  }

  /** @param afterwards what is done before counting, in time or not */
  async #report(work: () => Promise<readonly unknown[]>, afterwards?: () => void): Promise<FlushReport> {
    const { clock } = shared()
    const { delivery, runspan, flushTimeoutMillis } = this.#parts
    const startUnixMillis = clock.nowUnixMillis()
    // Somebody waits for this: without it the process would end during the pause before a retry.
    const keptAlive = setTimeout(() => undefined, flushTimeoutMillis)
    const errors = await withDeadline(work(), flushTimeoutMillis)
    clearTimeout(keptAlive)
    afterwards?.()
    const stock = delivery.takeCounts()
    const ours = runspan?.delivery.takeCounts()
    const failed = stock.failed + (ours?.failed ?? 0)
    const dropped = stock.dropped + (ours?.dropped ?? 0)
    const rejected = ours?.rejected ?? 0
    const isFailed = failed + dropped + rejected > 0 || (errors !== undefined && errors.length > 0)
    const error =
      stock.error ??
      ours?.error ??
      errors?.[0] ??
      (dropped > 0 ? new Error(`${dropped} spans found the queue full`) : undefined)
    return {
      status: errors === undefined ? 'timeout' : isFailed ? 'failed' : 'completed',
      exportedSpans: stock.exported + (ours?.exported ?? 0),
      failedSpans: failed,
      rejectedSpans: rejected,
      droppedSpans: dropped,
      pendingSpans: delivery.pendingSpans + (runspan?.delivery.pendingSpans ?? 0),
      durationMillis: clock.nowUnixMillis() - startUnixMillis,
      ...(error === undefined ? {} : { error }),
    }
  }
}

/** What a promise resolves to, or `undefined` where the deadline comes first. The timer keeps no process alive. */
function withDeadline<T>(promise: Promise<T>, timeoutMillis: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const countdown = shared().clock.after(timeoutMillis, () => resolve(undefined))
    promise.then(resolve, reject).finally(() => countdown.stop())
  })
}
