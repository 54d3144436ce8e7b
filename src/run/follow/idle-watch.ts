import type { Countdown } from '../../internal/clock.ts'
import { shared } from '../shared.ts'
import type { Followed } from './followed.ts'

/**
 * Ends the work of a stream that nobody reads. Started when the stream is handed out, restarted by every step,
 * stopped by its end; the timer keeps no process alive.
 */
export class IdleWatch {
  readonly #countdown: Countdown

  /** @param onIdle what else is to be done then: release the source, say */
  constructor(work: Followed, onIdle?: () => void) {
    this.#countdown = shared().clock.after(work.idleMillis, () => {
      work.stopped('stream_idle')
      onIdle?.()
    })
  }

  step(): void {
    this.#countdown.restart()
  }

  stop(): void {
    this.#countdown.stop()
  }
}
