import { spoolKeyOf } from '../spool/spool-file-name.ts'
import { Spool } from '../spool/spool.ts'
import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import { Backlog } from './backlog.ts'
import type { Batch } from './batch.ts'
import { Consequences } from './consequences.ts'
import type { DeliverySettings } from './delivery-settings.ts'
import { shownUrl, type DestinationSettings } from './destination-settings.ts'
import { DropReporter } from './drop-reporter.ts'
import type { DropReason } from './drop.ts'
import { FlushTicket } from './flush-ticket.ts'
import { Gate } from './gate.ts'
import { pemOf, requestHeaders } from './http-transport.ts'
import { Ledger } from './ledger.ts'
import type { LossLog } from './loss-log.ts'
import type { LastRequest } from './send-in-worker.ts'
import { Sender, type RequestObserver } from './sender.ts'
import type { Transport } from './transport.ts'

/** The parts that a destination works with. */
export interface DestinationParts {
  readonly settings: DestinationSettings
  readonly batching: Pick<DeliverySettings, 'maxExportBatchSize' | 'maxQueueSize' | 'onDrop'>
  readonly encoder: OtlpEncoder
  readonly transport: Transport
  readonly log: LossLog
}

/** A request that is left when the process ends. */
export interface UnsentRequest {
  readonly request: LastRequest
  /** It was sent after all, and the destination has it. */
  wasTaken(): void
}

/**
 * One place that spans go to: what waits for it, its requests in flight, and its troubles. A span is in exactly one
 * place: in the {@link Backlog}, in a batch in flight, or gone, and counted in the {@link Ledger}.
 */
export class Destination {
  readonly settings: DestinationSettings
  readonly ledger = new Ledger()
  readonly gate = new Gate(() => this.#sender.pump())
  readonly #parts: DestinationParts
  readonly #drops: DropReporter
  readonly #spool: Spool | undefined
  readonly #backlog: Backlog
  readonly #sender: Sender
  readonly #consequences: Consequences
  #isClosed = false

  constructor(parts: DestinationParts) {
    this.#parts = parts
    this.settings = parts.settings
    this.#drops = new DropReporter(parts.settings.name, parts.batching.onDrop, parts.log)
    this.#spool = this.#openSpool()
    const backlog = new Backlog({ ...parts.settings, ...parts.batching }, this.#spool)
    const consequences = new Consequences({
      ...parts,
      backlog,
      gate: this.gate,
      ledger: this.ledger,
      drops: this.#drops,
      drop: (reason, spans, message) => this.drop(reason, spans, message),
    })
    this.#backlog = backlog
    this.#consequences = consequences
    this.#sender = new Sender({
      ...parts,
      backlog,
      gate: this.gate,
      onVerdict: (verdict, batch, isProbe) => consequences.of(verdict, batch, isProbe),
    })
    this.#spool?.tend()
  }

  /** What waits, in memory and in the spool. */
  get backlog(): Pick<Backlog, 'spans' | 'costBytes' | 'spooledSpans' | 'isFull' | 'bounds'> {
    return this.#backlog
  }

  /** Hears of every request that came to an end. */
  set onRequest(observer: RequestObserver) {
    this.#sender.onRequest = observer
  }

  get inFlightSpans(): number {
    return this.#sender.inFlightSpans
  }

  /** Takes a span, or drops it where the queue is full. @param spansAhead spans that wait to be encoded */
  offer(span: EncodedSpan, spansAhead: number): void {
    if (this.#isClosed) {
      this.drop('shutdown', 1, 'it was encoded after the deadline')
      return
    }
    if (span.truncatedCount > 0) this.ledger.truncated++
    if (!this.#backlog.add(span, spansAhead)) this.dropForSpace()
  }

  /** Counts a span that finds the queue full. */
  dropForSpace(): void {
    const { spans, costBytes } = this.#backlog
    this.drop(
      'queue_full',
      1,
      `${spans + this.inFlightSpans} are waiting there, ${costBytes} bytes. Raise maxQueueSizeBytes, or OTEL_BSP_MAX_QUEUE_SIZE where it is set.`,
    )
  }

  /** Reports a span that ended after the shutdown. */
  missed(): void {
    this.#drops.dropped('late', 1, 'it ended after the shutdown')
  }

  drop(reason: DropReason, spans: number, message: string): void {
    this.ledger.dropped[reason] += spans
    this.#drops.dropped(reason, spans, message)
  }

  /** Sends what fills requests. */
  sendFull(): void {
    this.#sender.pump()
  }

  /** Sends everything that is queued now. */
  sendDue(): void {
    this.#backlog.makeDue()
    this.#sender.pump()
  }

  /** Sends everything, without waiting for a pause to end that nobody asked for. Resolves when all of it has come to an end. */
  flush(): Promise<void> {
    const ticket = new FlushTicket()
    for (const batch of this.#backlog.seal()) batch.awaitedBy(ticket)
    for (const batch of this.#sender.flights) batch.awaitedBy(ticket)
    ticket.release()
    this.gate.hurry()
    this.#sender.pump()
    return ticket.settled
  }

  /** Gives up what is left, in flight or not, and every connection. Further spans are dropped. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.gate.stop()
    this.#sender.close()
    for (const batch of [...this.#backlog.seal(), ...this.#sender.flights]) {
      this.#leave(batch)
      if (this.#backlog.spill(batch)) continue
      this.#consequences.giveUp(
        batch,
        'shutdown',
        `the deadline came first; ${shownUrl(this.settings.url)} did not take them`,
      )
    }
    this.#spool?.close()
    this.#drops.report()
    this.#parts.transport.close()
  }

  /** Everything that is not delivered yet, as requests: for the very last moment, in which nobody can wait. */
  lastRequests(): readonly UnsentRequest[] {
    const { url, tls, compression } = this.settings
    const headers = requestHeaders(this.settings)
    return [...this.#sender.flights, ...this.#backlog.seal()].map((batch) => ({
      request: {
        url,
        headers,
        tls: pemOf(tls),
        isCompressed: compression === 'gzip',
        body: this.#parts.encoder.encodeRequest(batch.spans),
      },
      wasTaken: () => {
        this.#leave(batch)
        this.#consequences.deliver(batch, 0, '')
      },
    }))
  }

  /** A batch is neither waiting nor in flight any more. */
  #leave(batch: Batch): void {
    if (!this.#sender.leave(batch)) this.#backlog.remove(batch)
  }

  /** What the files of its spool have in common. */
  get spoolKey(): string {
    return spoolKeyOf(this.#identity)
  }

  /** Takes over spans that a process left that was lost: into the spool. @returns whether they are there */
  adopt(spans: readonly EncodedSpan[]): boolean {
    const record = this.#spool?.write(spans)
    if (record === undefined) return false
    this.#spool?.putBack(record)
    this.ledger.adopted += spans.length
    this.#sender.pump()
    return true
  }

  /** Says that something about the spool went wrong. */
  spoolFailed(what: string, error: unknown): void {
    const { spool, name } = this.settings
    this.#parts.log.warn(
      `${name} spool ${what}`,
      `the spool in ${spool?.directory} could not ${what}${error instanceof Error ? ` (${error.message})` : ''}.`,
    )
  }

  get #identity(): string {
    const { name, url, protocol } = this.settings
    return `${name} ${url} ${protocol}`
  }

  #openSpool(): Spool | undefined {
    const { spool } = this.settings
    if (spool === undefined) return undefined
    return new Spool(spool, this.#identity, {
      adopted: (spans) => {
        this.ledger.adopted += spans
      },
      lost: (reason, spans) => this.drop(reason, spans, `the spool in ${spool.directory} gave them up`),
      failed: (what, error) => this.spoolFailed(what, error),
      isReady: () => this.#sender.pump(),
    })
  }
}
