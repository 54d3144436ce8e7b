import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import { adviceWhileDown, adviceWhileHeld } from './advice.ts'
import type { Backlog } from './backlog.ts'
import type { Batch } from './batch.ts'
import { leastRequestBytes, shownUrl, type DestinationSettings } from './destination-settings.ts'
import type { DropReporter } from './drop-reporter.ts'
import type { DropReason } from './drop.ts'
import type { Gate, Trouble } from './gate.ts'
import type { Ledger } from './ledger.ts'
import type { LossLog } from './loss-log.ts'
import type { Verdict } from './verdict.ts'

/** What consequences are about. */
export interface ConsequencesParts {
  readonly settings: DestinationSettings
  readonly backlog: Backlog
  readonly gate: Gate
  readonly ledger: Ledger
  readonly drops: DropReporter
  readonly drop: (reason: DropReason, spans: number, message: string) => void
  readonly encoder: OtlpEncoder
  readonly log: LossLog
}

/**
 * After so many spans in a row that were refused one by one, it is not the spans: the destination is taken to refuse
 * everything, and asked again with pauses.
 */
const refusalsInARow = 16

/** Below this a span that is still too large is not shrunk any further. */
const leastSpanBytes = 512

/**
 * What an answer means for one destination: for the batch that was sent, for whether more may be sent, and for the
 * account. A batch that comes here waits no more and is not in flight.
 */
export class Consequences {
  readonly #parts: ConsequencesParts
  #refusedInARow = 0

  constructor(parts: ConsequencesParts) {
    this.#parts = parts
  }

  of(verdict: Verdict, batch: Batch, isProbe: boolean): void {
    switch (verdict.kind) {
      case 'delivered':
        this.deliver(batch, verdict.rejectedSpans, verdict.reason)
        break
      case 'retry':
        this.#comeBack(batch, 'down', isProbe, verdict)
        break
      case 'held':
        this.#comeBack(batch, 'held', isProbe, verdict)
        break
      case 'too_large':
        this.#makeSmaller(batch, verdict.reason)
        break
      case 'refused':
        this.#isolate(batch, isProbe, verdict.reason)
        break
      default:
        verdict satisfies never
    }
  }

  /** The destination has a batch. */
  deliver(batch: Batch, rejectedSpans: number, reason: string): void {
    const { settings, backlog, gate, ledger, drops, log } = this.#parts
    backlog.forget(batch)
    this.#refusedInARow = 0
    ledger.exported += batch.spans.length - rejectedSpans
    if (rejectedSpans > 0) {
      ledger.rejected += rejectedSpans
      drops.dropped('rejected', rejectedSpans, reason === '' ? 'no reason was given' : reason)
    }
    if (gate.succeeded() !== undefined) log.info(`${settings.name} takes spans again; ${backlog.spans} are waiting.`)
  }

  /** A batch is set aside and counted. */
  giveUp(batch: Batch, reason: DropReason, message: string): void {
    this.#parts.backlog.forget(batch)
    this.#parts.drop(reason, batch.spans.length, message)
  }

  #comeBack(
    batch: Batch,
    trouble: Trouble,
    isProbe: boolean,
    { reason, afterMillis }: { readonly reason: string; readonly afterMillis?: number | undefined },
  ): void {
    const { settings, backlog, gate, ledger } = this.#parts
    ledger.retried += batch.spans.length
    backlog.comeBack(batch)
    if (!gate.failed(trouble, isProbe, afterMillis)) return
    const advice = (trouble === 'held' ? adviceWhileHeld : adviceWhileDown)(reason, settings)
    this.#warn(trouble, `nothing can be delivered to ${settings.name} (${reason}). ${advice}`)
  }

  /** Splits, down to one span; that is shrunk until it passes, or set aside. */
  #makeSmaller(batch: Batch, reason: string): void {
    const { backlog, ledger, encoder } = this.#parts
    this.#alive()
    if (batch.spans.length > 1) {
      // Further requests are made smaller at once, unless it was one span that made this one large.
      const largest = Math.max(...batch.spans.map(({ sizeBytes }) => sizeBytes))
      const half = Math.floor(batch.bytes / 2)
      const least = Math.max(half, leastRequestBytes)
      if (largest <= half) backlog.maxBatchBytes = Math.min(backlog.maxBatchBytes, least)
      backlog.split(batch)
      return
    }
    const span = batch.spans[0]!
    const size = span.sizeBytes
    const smaller = size <= leastSpanBytes ? undefined : encoder.shrinkSpan(span, Math.floor(size / 2))
    if (smaller === undefined) {
      this.giveUp(batch, 'too_large', reason)
      return
    }
    if (!batch.isShrunk && span.truncatedCount === 0) ledger.truncated++
    backlog.shrink(batch, smaller)
  }

  /** Halves, until the span that cannot be taken is alone. */
  #isolate(batch: Batch, isProbe: boolean, reason: string): void {
    const { settings, backlog, gate } = this.#parts
    if (batch.spans.length > 1) {
      this.#alive()
      backlog.split(batch)
      return
    }
    this.#refusedInARow++
    this.giveUp(batch, 'refused', reason)
    if (this.#refusedInARow < refusalsInARow) {
      this.#alive()
      return
    }
    if (!gate.failed('held', isProbe, undefined)) return
    const { name, url, protocol } = settings
    const advice = `Check that ${shownUrl(url)} takes OTLP traces as ${protocol}.`
    this.#warn('held', `${name} refuses every span (${reason}). ${advice}`)
  }

  /** An answer about one request is an answer: whatever the trouble was, it is over. */
  #alive(): void {
    const { gate } = this.#parts
    if (this.#refusedInARow < refusalsInARow) gate.succeeded()
    else if (gate.state === 'probing') gate.failed('held', true, undefined)
  }

  #warn(trouble: Trouble, message: string): void {
    const { settings, backlog, log } = this.#parts
    log.warn(`${settings.name} ${trouble}`, `${message} ${backlog.spans} spans wait until it takes them.`)
  }
}
