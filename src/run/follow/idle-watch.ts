import type { Countdown } from '../../internal/clock.ts'
import { shared } from '../shared.ts'
import type { Followed } from './followed.ts'
import { offAbort, onAbort } from './on-abort.ts'

/** How long a reader may take to notice that its caller has cancelled, in milliseconds. */
const cancelGraceMillis = 1000

/**
 * Ends the work of a stream that nobody reads. It counts the time between the steps, from when the stream is handed out;
 * while a reader waits for a step the stream is in use, however long its producer takes. The timer keeps no process
 * alive.
 *
 * Where the caller cancels, nobody may read on either, and the stream may never learn of it: a branch that is cancelled
 * does not cancel the stream it was split from. Then the work ends as cancelled after a second without a step.
 */
export class IdleWatch {
  readonly #work: Followed
  readonly #isAwaited: (() => boolean) | undefined
  readonly #signal: AbortSignal | undefined
  #countdown: Countdown
  #waiting = 0
  #isOver = false

  /** @param isAwaited whether somebody waits for the stream, where steps alone do not tell */
  constructor(work: Followed, isAwaited?: () => boolean) {
    this.#work = work
    this.#isAwaited = isAwaited
    this.#signal = work.callerSignal
    if (this.#signal?.aborted === true) this.#countdown = this.#untilCancelled()
    else {
      this.#countdown = shared().clock.after(work.idleMillis, () => this.#giveUp('stream_idle'))
      if (this.#signal !== undefined) onAbort(this.#signal, this.#onAbort)
    }
  }

  /** A reader has asked for a step. */
  wait(): void {
    this.#waiting++
  }

  /** The step that a reader asked for is done. */
  rest(): void {
    this.#waiting--
    this.seen()
  }

  /** Something happened. */
  seen(): void {
    if (!this.#isOver) this.#countdown.restart()
  }

  /** The stream has ended. */
  stop(): void {
    this.#isOver = true
    this.#countdown.stop()
    if (this.#signal !== undefined) offAbort(this.#signal, this.#onAbort)
  }

  readonly #onAbort = (): void => {
    this.#countdown.stop()
    this.#countdown = this.#untilCancelled()
  }

  #untilCancelled(): Countdown {
    return shared().clock.after(cancelGraceMillis, () => this.#giveUp('cancelled'))
  }

  #giveUp(reason: 'stream_idle' | 'cancelled'): void {
    // While somebody waits, the end of that step starts the time anew; until then nothing of ours holds the stream.
    if (this.#isOver || this.#waiting > 0 || this.#isAwaited?.() === true) return
    this.stop()
    this.#work.stopped(reason)
  }
}
