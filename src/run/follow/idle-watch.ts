import type { Countdown } from '../../internal/clock.ts'
import { shared } from '../shared.ts'
import type { Followed } from './followed.ts'

/** How long a reader may take to notice that its caller has cancelled, in milliseconds. */
const cancelGraceMillis = 1000

/**
 * Ends the work of a stream that nobody reads. Started when the stream is handed out, restarted by every step, stopped
 * by its end; the timer keeps no process alive.
 *
 * Where the caller cancels, nobody may read on either, and the stream may never learn of it: a branch that is cancelled
 * does not cancel the stream it was split from. Then the work ends as cancelled after a second without a step.
 */
export class IdleWatch {
  readonly #work: Followed
  #countdown: Countdown

  constructor(work: Followed) {
    this.#work = work
    const signal = work.callerSignal
    if (signal?.aborted === true) this.#countdown = this.#untilCancelled()
    else {
      this.#countdown = shared().clock.after(work.idleMillis, () => this.#giveUp('stream_idle'))
      signal?.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  step(): void {
    this.#countdown.restart()
  }

  stop(): void {
    this.#countdown.stop()
    this.#work.callerSignal?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    this.#countdown.stop()
    this.#countdown = this.#untilCancelled()
  }

  #untilCancelled(): Countdown {
    return shared().clock.after(cancelGraceMillis, () => this.#giveUp('cancelled'))
  }

  #giveUp(reason: 'stream_idle' | 'cancelled'): void {
    this.stop()
    this.#work.stopped(reason)
  }
}
