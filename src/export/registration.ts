import type { RunRollupProcessor } from '../rollup/run-rollup-processor.ts'
import type { SpanProcessorLike } from '../rollup/span-like.ts'
import { shared } from '../run/shared.ts'
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
}

/** The parts of a set-up that a registration looks after. */
export interface RegistrationParts {
  /** Every processor of the provider in its order. */
  readonly processors: readonly SpanProcessorLike[]
  readonly rollup: RunRollupProcessor | undefined
  readonly delivery: Delivery
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown().then(() => undefined)
  }

  /** Flushes for the end of the process: nobody reads a report, so its counts stay for one that is asked for. */
  async flushUnreported(): Promise<void> {
    if (this.#shutdown !== undefined) await this.#shutdown
    else await withDeadline(this.#drain(), this.#parts.flushTimeoutMillis)
  }

  /** Whether spans have ended since this was last asked, or are on their way. */
  takeUnsent(): boolean {
    return this.#parts.delivery.takeUnsent()
  }

  #close(): Promise<FlushReport> {
    for (const cleanup of this.#cleanups.splice(0)) cleanup()
    return this.#report(async () => {
      // First, while the exporting processor still takes the roots of abandoned runs.
      await settle([this.#parts.rollup], (processor) => processor?.shutdown())
      const errors = await this.#drain()
      return [...errors, ...(await settle(this.#parts.processors, (processor) => processor.shutdown()))]
    })
  }

  /** @returns what the processors rejected with */
  async #drain(): Promise<readonly unknown[]> {
    const { processors, delivery } = this.#parts
    // The rollup comes first in the list and reports late numbers as spans, synchronously; then the others send them.
    const errors = await settle(processors, (processor) => processor.forceFlush())
    // The batch processor does not wait for what it had sent before.
    return [...errors, ...(await delivery.settled())]
  }

  async #report(work: () => Promise<readonly unknown[]>): Promise<FlushReport> {
    const { clock } = shared()
    const startUnixMillis = clock.nowUnixMillis()
    const errors = await withDeadline(work(), this.#parts.flushTimeoutMillis)
    const { exported, failed, dropped, error: firstLoss } = this.#parts.delivery.takeCounts()
    const isFailed = failed > 0 || dropped > 0 || (errors !== undefined && errors.length > 0)
    const error =
      firstLoss ?? errors?.[0] ?? (dropped > 0 ? new Error(`${dropped} spans found the queue full`) : undefined)
    return {
      status: errors === undefined ? 'timeout' : isFailed ? 'failed' : 'completed',
      exportedSpans: exported,
      failedSpans: failed,
      rejectedSpans: 0,
      droppedSpans: dropped,
      pendingSpans: this.#parts.delivery.pendingSpans,
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
