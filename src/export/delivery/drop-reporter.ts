import { guarded } from '../../run/stats.ts'
import type { DropReport } from './drop.ts'
import type { LossLog } from './loss-log.ts'

interface Loss {
  spans: number
  /** What was said of the first. */
  readonly message: string
}

/**
 * Reports what one destination was not given: to `onDrop`, and as a warning. Losses of one turn are reported together,
 * because a full queue in a tight loop drops thousands of spans in one.
 */
export class DropReporter {
  readonly #destination: string
  readonly #onDrop: ((drop: DropReport) => void) | undefined
  readonly #log: LossLog
  #losses: Map<DropReport['reason'], Loss> | undefined

  constructor(destination: string, onDrop: ((drop: DropReport) => void) | undefined, log: LossLog) {
    this.#destination = destination
    this.#onDrop = onDrop
    this.#log = log
  }

  dropped(reason: DropReport['reason'], spans: number, message: string): void {
    if (this.#losses === undefined) {
      this.#losses = new Map()
      queueMicrotask(() => this.report())
    }
    const loss = this.#losses.get(reason)
    if (loss === undefined) this.#losses.set(reason, { spans, message })
    else loss.spans += spans
  }

  /** Reports at once what is otherwise reported after this turn. */
  report(): void {
    const losses = this.#losses
    this.#losses = undefined
    for (const [reason, { spans, message }] of losses ?? []) {
      const what = spans === 1 ? '1 span was' : `${spans} spans were`
      const lost = reason === 'rejected' ? 'rejected by' : 'lost on the way to'
      this.#log.warn(`${this.#destination} ${reason}`, `${what} ${lost} ${this.#destination} (${reason}): ${message}`)
      const drop: DropReport = { destination: this.#destination, reason, spans, message }
      guarded('onDrop', () => this.#onDrop?.(drop))
    }
  }
}
