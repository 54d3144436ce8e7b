import { shared } from '../../run/shared.ts'
import { Spool } from '../spool/spool.ts'
import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import { adviceWhileDown, adviceWhileHeld } from './advice.ts'
import { Backlog } from './backlog.ts'
import type { Batch } from './batch.ts'
import type { DeliverySettings } from './delivery-settings.ts'
import { leastRequestBytes, shownUrl, type DestinationSettings } from './destination-settings.ts'
import { DropReporter } from './drop-reporter.ts'
import type { DropReason } from './drop.ts'
import { FlushTicket } from './flush-ticket.ts'
import { Gate } from './gate.ts'
import { pemOf, requestHeaders } from './http-transport.ts'
import { Ledger } from './ledger.ts'
import type { LossLog } from './loss-log.ts'
import type { LastRequest } from './send-in-worker.ts'
import type { Transport } from './transport.ts'
import { verdictOf, type Verdict } from './verdict.ts'
import { withDeadline } from './with-deadline.ts'

/** Hears of every request that came to an end. */
export type RequestObserver = (durationMillis: number, failure: string | undefined) => void

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
 * After so many spans in a row that were refused one by one, it is not the spans: the destination is taken to refuse
 * everything, and asked again with pauses.
 */
const refusalsInARow = 16

/** Below this a span that is still too large is not shrunk any further. */
const leastSpanBytes = 512

/**
 * One place that spans go to: what waits for it, its requests in flight, and its troubles. A span is in exactly one
 * place: in the {@link Backlog}, in a batch in flight, or gone, and counted in the {@link Ledger}.
 */
export class Destination {
  readonly settings: DestinationSettings
  readonly ledger = new Ledger()
  readonly gate = new Gate(() => this.#pump())
  onRequest: RequestObserver | undefined
  readonly #parts: DestinationParts
  readonly #drops: DropReporter
  readonly #spool: Spool | undefined
  readonly #backlog: Backlog
  readonly #flights = new Set<Batch>()
  #inFlightSpans = 0
  #refusedInARow = 0
  #isClosed = false

  constructor(parts: DestinationParts) {
    this.#parts = parts
    this.settings = parts.settings
    this.#drops = new DropReporter(parts.settings.name, parts.batching.onDrop, parts.log)
    this.#spool = this.#openSpool()
    this.#backlog = new Backlog({ ...parts.settings, ...parts.batching }, this.#spool)
    this.#spool?.tend()
  }

  /** What waits, in memory and in the spool. */
  get backlog(): Pick<Backlog, 'spans' | 'costBytes' | 'spooledSpans' | 'isFull' | 'bounds'> {
    return this.#backlog
  }

  get inFlightSpans(): number {
    return this.#inFlightSpans
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
      `${spans + this.#inFlightSpans} are waiting there, ${costBytes} bytes. Raise maxQueueSizeBytes, or OTEL_BSP_MAX_QUEUE_SIZE where it is set.`,
    )
  }

  drop(reason: DropReason, spans: number, message: string): void {
    this.ledger.dropped[reason] += spans
    this.#drops.dropped(reason, spans, message)
  }

  /** Sends what fills requests. */
  sendFull(): void {
    this.#pump()
  }

  /** Sends everything that is queued now. */
  sendDue(): void {
    this.#backlog.makeDue()
    this.#pump()
  }

  /** Sends everything, without waiting for a pause to end that nobody asked for. Resolves when all of it has come to an end. */
  flush(): Promise<void> {
    const ticket = new FlushTicket()
    for (const batch of this.#backlog.seal()) batch.awaitedBy(ticket)
    for (const batch of this.#flights) batch.awaitedBy(ticket)
    ticket.release()
    this.gate.hurry()
    this.#pump()
    return ticket.settled
  }

  /** Gives up what is left, in flight or not, and every connection. Further spans are dropped. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.gate.stop()
    for (const batch of [...this.#backlog.seal(), ...this.#flights]) {
      this.#leave(batch)
      if (this.#backlog.spill(batch)) continue
      this.#giveUp(batch, 'shutdown', `the deadline came first; ${shownUrl(this.settings.url)} did not take them`)
    }
    this.#spool?.close()
    this.#drops.report()
    this.#parts.transport.close()
  }

  /** Everything that is not delivered yet, as requests: for the very last moment, in which nobody can wait. */
  lastRequests(): readonly UnsentRequest[] {
    const { url, tls, compression } = this.settings
    const headers = requestHeaders(this.settings)
    return [...this.#flights, ...this.#backlog.seal()].map((batch) => ({
      request: {
        url,
        headers,
        tls: pemOf(tls),
        isCompressed: compression === 'gzip',
        body: this.#parts.encoder.encodeRequest(batch.spans),
      },
      wasTaken: () => {
        this.#leave(batch)
        this.#deliver(batch, 0, '')
      },
    }))
  }

  /** A batch is neither waiting nor in flight any more. */
  #leave(batch: Batch): void {
    if (this.#flights.delete(batch)) this.#inFlightSpans -= batch.spans.length
    else this.#backlog.remove(batch)
  }

  #openSpool(): Spool | undefined {
    const { spool, name, url, protocol } = this.settings
    if (spool === undefined) return undefined
    return new Spool(spool, `${name} ${url} ${protocol}`, {
      adopted: (spans) => {
        this.ledger.adopted += spans
      },
      lost: (reason, spans) => this.drop(reason, spans, `the spool in ${spool.directory} gave them up`),
      failed: (what, error) =>
        this.#parts.log.warn(
          `${name} spool ${what}`,
          `the spool in ${spool.directory} could not ${what}${error instanceof Error ? ` (${error.message})` : ''}.`,
        ),
      isReady: () => this.#pump(),
    })
  }

  #pump(): void {
    const mostFlights = { open: this.settings.maxConcurrentRequests, probing: 1, closed: 0 }
    while (!this.#isClosed && this.#flights.size < mostFlights[this.gate.state]) {
      const batch = this.#backlog.next()
      if (batch === undefined) return
      if (batch.bytes > this.#backlog.maxBatchBytes && batch.spans.length > 1) this.#backlog.split(batch)
      else void this.#send(batch)
    }
  }

  async #send(batch: Batch): Promise<void> {
    const isProbe = this.gate.state === 'probing'
    this.#flights.add(batch)
    this.#inFlightSpans += batch.spans.length
    await this.#resourcesSettled(batch)
    if (!this.#flights.has(batch)) return
    if (this.settings.spool?.mode === 'always') this.#backlog.keepCopy(batch)
    const start = performance.now()
    const answer = await this.#parts.transport.send(this.#parts.encoder.encodeRequest(batch.spans))
    // Closed meanwhile: the batch has been counted as lost.
    if (!this.#flights.has(batch)) return
    this.#leave(batch)
    const verdict = verdictOf(answer, batch.spans.length, shared().clock.nowUnixMillis())
    this.ledger.requests++
    this.onRequest?.(performance.now() - start, failureOf(verdict, answer.kind === 'lost' ? undefined : answer.status))
    this.#obey(verdict, batch, isProbe)
    this.#pump()
  }

  /** Detectors may still be finding out who we are. They are given the time of one attempt. */
  async #resourcesSettled(batch: Batch): Promise<void> {
    const pending = new Set(batch.spans.map(({ resource }) => resource).filter(({ isPending }) => isPending))
    if (pending.size === 0) return
    await withDeadline(Promise.all([...pending].map((resource) => resource.settled())), this.settings.timeoutMillis)
  }

  #obey(verdict: Verdict, batch: Batch, isProbe: boolean): void {
    switch (verdict.kind) {
      case 'delivered':
        this.#deliver(batch, verdict.rejectedSpans, verdict.reason)
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

  #deliver(batch: Batch, rejectedSpans: number, reason: string): void {
    this.#backlog.forget(batch)
    this.#refusedInARow = 0
    this.ledger.exported += batch.spans.length - rejectedSpans
    if (rejectedSpans > 0) {
      this.ledger.rejected += rejectedSpans
      this.#drops.dropped('rejected', rejectedSpans, reason === '' ? 'no reason was given' : reason)
    }
    if (this.gate.succeeded() !== undefined) {
      this.#parts.log.info(`${this.settings.name} takes spans again; ${this.#backlog.spans} are waiting.`)
    }
  }

  #comeBack(
    batch: Batch,
    trouble: 'down' | 'held',
    isProbe: boolean,
    { reason, afterMillis }: { readonly reason: string; readonly afterMillis?: number | undefined },
  ): void {
    this.ledger.retried += batch.spans.length
    this.#backlog.comeBack(batch)
    if (!this.gate.failed(trouble, isProbe, afterMillis)) return
    const advice = (trouble === 'held' ? adviceWhileHeld : adviceWhileDown)(reason, this.settings)
    this.#parts.log.warn(
      `${this.settings.name} ${trouble}`,
      `nothing can be delivered to ${this.settings.name} (${reason}). ${advice} ${this.#backlog.spans} spans wait until it takes them.`,
    )
  }

  /** Splits, down to one span; that is shrunk until it passes, or set aside. */
  #makeSmaller(batch: Batch, reason: string): void {
    this.#alive()
    if (batch.spans.length > 1) {
      // Further requests are made smaller at once, unless it was one span that made this one large.
      const largest = Math.max(...batch.spans.map(({ bytes }) => bytes.byteLength))
      const half = Math.floor(batch.bytes / 2)
      const least = Math.max(half, leastRequestBytes)
      if (largest <= half) this.#backlog.maxBatchBytes = Math.min(this.#backlog.maxBatchBytes, least)
      this.#backlog.split(batch)
      return
    }
    const span = batch.spans[0]!
    const size = span.bytes.byteLength
    const smaller = size <= leastSpanBytes ? undefined : this.#parts.encoder.shrinkSpan(span, Math.floor(size / 2))
    if (smaller === undefined) {
      this.#giveUp(batch, 'too_large', reason)
      return
    }
    if (!batch.isShrunk && span.truncatedCount === 0) this.ledger.truncated++
    this.#backlog.shrink(batch, smaller)
  }

  /** Halves, until the span that cannot be taken is alone. */
  #isolate(batch: Batch, isProbe: boolean, reason: string): void {
    if (batch.spans.length > 1) {
      this.#alive()
      this.#backlog.split(batch)
      return
    }
    this.#refusedInARow++
    this.#giveUp(batch, 'refused', reason)
    if (this.#refusedInARow < refusalsInARow) {
      this.#alive()
      return
    }
    if (!this.gate.failed('held', isProbe, undefined)) return
    this.#parts.log.warn(
      `${this.settings.name} held`,
      `${this.settings.name} refuses every span (${reason}). Check that ${shownUrl(this.settings.url)} takes OTLP traces as ${this.settings.protocol}. ${this.#backlog.spans} spans wait.`,
    )
  }

  /** An answer about one request is an answer: whatever the trouble was, it is over. */
  #alive(): void {
    if (this.#refusedInARow < refusalsInARow) this.gate.succeeded()
    else if (this.gate.state === 'probing') this.gate.failed('held', true, undefined)
  }

  #giveUp(batch: Batch, reason: DropReason, message: string): void {
    this.#backlog.forget(batch)
    this.drop(reason, batch.spans.length, message)
  }
}

/** `error.type` of a request: the status, or that there was none. */
function failureOf(verdict: Verdict, status: number | undefined): string | undefined {
  if (verdict.kind === 'delivered') return undefined
  return status === undefined ? 'connection_lost' : String(status)
}
