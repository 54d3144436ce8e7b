import type { Countdown } from '../../internal/clock.ts'
import { shared } from '../../run/shared.ts'
import { backoffMillis, whileDown, whileHeld } from './backoff.ts'

/** Why nothing is sent at the moment. */
export type Trouble = 'down' | 'held'

/**
 * Whether a destination may be sent to.
 *
 * - `open`: as much as its requests in flight allow. Left by the first answer that says otherwise.
 * - `closed`: nothing, until a pause is over. Entered by that answer, or by a probe that failed, and then for longer.
 * - `probing`: one request. Entered when the pause is over, or when a flush does not want to wait for it; left by the
 *   answer of that request, to `open` or `closed`.
 */
export class Gate {
  state: 'open' | 'closed' | 'probing' = 'open'
  trouble: Trouble | undefined
  #failures = 0
  #isAskedToWait = false
  #countdown: Countdown | undefined
  readonly #onProbe: () => void

  /** @param onProbe the pause is over: one request may be sent */
  constructor(onProbe: () => void) {
    this.#onProbe = onProbe
  }

  /** The destination took something. @returns the trouble that is over with that */
  succeeded(): Trouble | undefined {
    const { trouble } = this
    this.state = 'open'
    this.trouble = undefined
    this.#failures = 0
    this.stop()
    return trouble
  }

  /**
   * An answer was that nothing can be taken. Further requests that were in flight with it are the same failure.
   *
   * @param wasProbe whether the request had been sent as the probe
   * @param afterMillis the pause that the destination asked for
   * @returns whether this is a trouble that was not known yet
   */
  failed(trouble: Trouble, wasProbe: boolean, afterMillis: number | undefined): boolean {
    const isNews = this.trouble !== trouble
    if (this.state !== 'open' && !wasProbe && !isNews && afterMillis === undefined) return false
    this.trouble = trouble
    this.#failures++
    const own = backoffMillis(trouble === 'held' ? whileHeld : whileDown, this.#failures)
    // What was asked for is the least; the jitter comes on top, so that not everybody is back in the same moment.
    const pauseMillis = afterMillis === undefined ? own : afterMillis + Math.random() * Math.min(own, 1000)
    this.#isAskedToWait = afterMillis !== undefined
    this.#close(pauseMillis)
    return isNews
  }

  /** Ends a pause that nobody asked for. */
  hurry(): void {
    if (this.state === 'closed' && !this.#isAskedToWait) this.#probe()
  }

  stop(): void {
    this.#countdown?.stop()
    this.#countdown = undefined
  }

  #close(pauseMillis: number): void {
    this.state = 'closed'
    this.stop()
    this.#countdown = shared().clock.after(pauseMillis, () => this.#probe())
  }

  #probe(): void {
    this.stop()
    this.state = 'probing'
    this.#isAskedToWait = false
    this.#onProbe()
  }
}
