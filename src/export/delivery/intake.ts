import { context } from '@opentelemetry/api'

import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { ExportableSpan } from '../otlp/exportable-span.ts'
import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import type { Destination } from './destination.ts'
import { Fifo } from './fifo.ts'
import { suppressedContext } from './suppressed-context.ts'

/** Destinations that are sent the same bytes. */
export interface Lane {
  readonly encoder: OtlpEncoder
  readonly destinations: readonly Destination[]
}

interface WorkerJob {
  readonly lane: Lane
  readonly span: ExportableSpan
}

/** What an SDK's span is taken to hold in memory until it is encoded, with eight short attributes: measured. */
export const assumedSpanBytes = 1100
/** From this many on, spans that wait are encoded in the next turn. */
const eagerSpans = 64
/** From this many on, a span is encoded as it ends: a burst is to hold bytes, not objects. */
const mostObjects = 1024
/** How long one slice of encoding may take. */
const sliceMillis = 1
/** Ordinary spans take about a microsecond, so the clock is not looked at after each; after one of this size it is. */
const longSpanBytes = 8192

/**
 * Spans that have ended, until they are bytes. They are encoded in slices of about a millisecond between turns of the
 * event loop, so that no request of the application waits behind a batch.
 */
export class Intake {
  readonly #lanes: readonly Lane[]
  readonly #destinations: readonly Destination[]
  readonly #mostObjects: number
  readonly #waiting = new Fifo<ExportableSpan>()
  /** Spans that have waited and do no more. */
  #passed = 0
  /** Spans that a worker thread has, each with the promise of having been offered. */
  readonly #withWorker = new Map<WorkerJob, Promise<void>>()
  #isScheduled = false
  #isEncodingSlices = false

  constructor(lanes: readonly Lane[], maxQueueSize: number) {
    this.#lanes = lanes
    this.#destinations = lanes.flatMap(({ destinations }) => destinations)
    this.#mostObjects = Math.min(mostObjects, maxQueueSize)
  }

  /** Spans that are not encoded yet for a destination. */
  spansAhead(destination: Destination): number {
    let withWorker = 0
    for (const { lane } of this.#withWorker.keys()) if (lane.destinations.includes(destination)) withWorker++
    return this.#waiting.size + withWorker
  }

  /** @returns whether any destination has room for the span; else it is counted as dropped at all of them */
  take(span: ExportableSpan): boolean {
    if (this.#isFull()) {
      for (const destination of this.#destinations) destination.dropForSpace()
      return false
    }
    if (this.#waiting.size >= this.#mostObjects) this.#encode(span)
    else this.#waiting.push(span)
    if (this.#waiting.size >= eagerSpans) this.#schedule()
    return true
  }

  /** Starts encoding what waits, in slices, and tells the destinations to send everything. */
  sendDue(): void {
    if (this.#waiting.size > 0) {
      this.#isEncodingSlices = true
      this.#schedule()
    } else for (const destination of this.#destinations) destination.sendDue()
  }

  /** Resolves when everything that waits now is encoded, in slices. */
  async encoded(): Promise<void> {
    // Not what ends meanwhile: under a steady load that would never come to an end.
    const end = this.#passed + this.#waiting.size
    while (this.#passed < end) {
      this.#schedule()
      // oxlint-disable-next-line no-await-in-loop -- one slice after the other
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves when the worker threads have given back what they have now. */
  async workersSettled(): Promise<void> {
    await Promise.all(this.#withWorker.values())
  }

  /**
   * Takes everything back from the worker threads and encodes it here: for the very last moment.
   *
   * @param budgetMillis how long that may take; what is left then is given up
   */
  recall(budgetMillis: number): void {
    const end = performance.now() + budgetMillis
    const recalled = [...this.#withWorker.keys()]
    this.#withWorker.clear()
    while (this.#waiting.size > 0) {
      const span = this.#next()
      for (const lane of this.#lanes) recalled.push({ lane, span })
    }
    for (const { lane, span } of recalled) {
      if (performance.now() < end) this.#offer(lane, lane.encoder.encodeSpan(span))
      else
        for (const destination of lane.destinations) destination.drop('shutdown', 1, 'there was no time to encode it')
    }
  }

  #isFull(): boolean {
    const waiting = this.#waiting.size
    for (const { encoder, destinations } of this.#lanes) {
      const bytesAhead = waiting * assumedSpanBytes + encoder.pendingSizeBytes
      for (const destination of destinations) {
        if (!destination.backlog.isFull(waiting + this.#withWorker.size, bytesAhead)) return false
      }
    }
    return true
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    context.with(suppressedContext, () => setImmediate(() => this.#encodeSlice()))
  }

  #encodeSlice(): void {
    this.#isScheduled = false
    const end = performance.now() + sliceMillis
    for (let encoded = 1; this.#waiting.size > 0; encoded++) {
      const sizeBytes = this.#encode(this.#next())
      if ((encoded % 4 === 0 || sizeBytes > longSpanBytes) && performance.now() >= end) break
    }
    const isDue = this.#isEncodingSlices && this.#waiting.size === 0
    if (isDue) this.#isEncodingSlices = false
    for (const destination of this.#destinations) {
      if (isDue) destination.sendDue()
      else destination.sendFull()
    }
    if (this.#waiting.size > 0) this.#schedule()
  }

  #next(): ExportableSpan {
    this.#passed++
    return this.#waiting.shift()!
  }

  /** @returns the bytes that were written */
  #encode(span: ExportableSpan): number {
    let sizeBytes = 0
    for (const lane of this.#lanes) {
      const encoded = lane.encoder.encodeSpanAsync(span)
      if (encoded instanceof Promise) {
        const job = { lane, span }
        this.#withWorker.set(job, this.#offerLater(job, encoded))
        sizeBytes += longSpanBytes + 1
      } else {
        this.#offer(lane, encoded)
        sizeBytes += encoded?.sizeBytes ?? 0
      }
    }
    return sizeBytes
  }

  async #offerLater(job: WorkerJob, encoding: Promise<EncodedSpan | undefined>): Promise<void> {
    const encoded = await encoding
    // Recalled meanwhile: it has been encoded and offered without the worker.
    if (!this.#withWorker.delete(job)) return
    this.#offer(job.lane, encoded)
    for (const destination of job.lane.destinations) destination.sendDue()
  }

  #offer({ destinations }: Lane, span: EncodedSpan | undefined): void {
    for (const destination of destinations) {
      if (span === undefined) destination.drop('malformed', 1, 'a span has no valid ids, or cannot be read')
      else destination.offer(span, this.#waiting.size)
    }
  }
}
