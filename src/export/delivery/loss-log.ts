import { diag } from '@opentelemetry/api'

import { shared } from '../../run/shared.ts'
import { isRegistered } from '../registered-globals.ts'

const burstMillis = 60_000

/**
 * Tells people what happens to their spans: each kind of message once per minute through `diag`; where nobody listens
 * there, the first ones as warnings of Node's, because a loss that nobody hears of is the worst.
 */
export class LossLog {
  readonly #lastUnixMillis = new Map<string, number>()
  readonly #emitted = new Set<string>()

  /** @param kind what is said at most once per minute */
  warn(kind: string, message: string): void {
    if (!isRegistered('diag')) {
      if (this.#emitted.has(kind)) return
      this.#emitted.add(kind)
      process.emitWarning(`${message} Said once; more with OTEL_LOG_LEVEL=warn.`, { type: 'RunspanWarning' })
      return
    }
    const now = shared().clock.nowUnixMillis()
    const last = this.#lastUnixMillis.get(kind)
    if (last !== undefined && now - last < burstMillis) return
    this.#lastUnixMillis.set(kind, now)
    diag.warn(`runspan: ${message}`)
  }

  info(message: string): void {
    diag.info(`runspan: ${message}`)
  }
}
