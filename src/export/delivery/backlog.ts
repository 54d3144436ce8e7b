import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { Spool } from '../spool/spool.ts'
import { Batch } from './batch.ts'
import { HeldRecords } from './held-records.ts'
import { costBytes, SpanQueue } from './span-queue.ts'

/** Room in a request for what stands around spans: resources, scopes, lengths. */
const aroundSpansBytes = 16 * 1024

/** The bounds of a backlog. */
export interface BacklogBounds {
  readonly maxQueueSizeBytes: number
  /** In spans; infinite for none. */
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly maxRequestSizeBytes: number
}

/**
 * The spans of one destination that are not delivered yet, in the order in which they are to go out: batches that wait
 * (sealed by a flush, or come back from an attempt), then what the spool has, which is older than what is in memory
 * besides, then the queue. Batches in flight count against the bound in bytes until they are forgotten or spilled.
 */
export class Backlog {
  readonly bounds: BacklogBounds
  /** How many bytes of spans a request may have. Made smaller where a server finds requests too large. */
  maxBatchBytes: number
  readonly #spool: Spool | undefined
  readonly #queue = new SpanQueue()
  readonly #waiting: Batch[] = []
  #waitingSpans = 0
  /** Spans at the front of the queue that are to go out although they fill no request. */
  #due = 0
  #costBytes = 0

  constructor(bounds: BacklogBounds, spool: Spool | undefined) {
    this.bounds = bounds
    this.maxBatchBytes = bounds.maxRequestSizeBytes - aroundSpansBytes
    this.#spool = spool
  }

  /** Spans in memory that wait. */
  get spans(): number {
    return this.#queue.size + this.#waitingSpans
  }

  /** What counts against `maxQueueSizeBytes`. */
  get costBytes(): number {
    return this.#costBytes
  }

  /** Spans that only the spool has. */
  get spooledSpans(): number {
    return this.#spool?.unreadSpans ?? 0
  }

  /** Whether another span would find no room, counting what is still to be encoded. */
  isFull(spansAhead: number, bytesAhead: number): boolean {
    // With a spool there is room as far as is known: what it cannot take either finds out when it is added.
    return this.#spool === undefined && !this.#hasRoom(bytesAhead + 1, spansAhead)
  }

  /** @returns whether there was room, or could be made */
  add(span: EncodedSpan, spansAhead: number): boolean {
    const cost = costBytes(span)
    while (!this.#hasRoom(cost, spansAhead)) {
      if (this.#spillOldest()) continue
      // Everything in memory is in flight.
      return this.#toSpool([span])
    }
    this.#costBytes += cost
    this.#queue.push(span)
    return true
  }

  /** What is in the queue now is to go out. */
  makeDue(): void {
    this.#due = this.#queue.size
  }

  /** Everything in memory, as batches that wait. */
  seal(): readonly Batch[] {
    while (this.#queue.size > 0) this.#wait(this.#take(), 'last')
    return this.#waiting
  }

  /** The next batch to send, where one is full or due. */
  next(): Batch | undefined {
    const [batch] = this.#waiting
    if (batch !== undefined) {
      this.remove(batch)
      return batch
    }
    const { maxExportBatchSize } = this.bounds
    const isFilled = this.#queue.size >= maxExportBatchSize || this.#queue.bytes >= this.maxBatchBytes
    const spooled = this.#fromSpool()
    if (spooled !== undefined) return spooled
    // Without room to read what the spool has, the queue makes some, full or not.
    return isFilled || this.#due > 0 || (this.#queue.size > 0 && this.spooledSpans > 0) ? this.#take() : undefined
  }

  /** A batch waits no more. */
  remove(batch: Batch): void {
    const at = this.#waiting.indexOf(batch)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    this.#waitingSpans -= batch.spans.length
  }

  /** A batch could not be delivered, and is the first to be sent again. */
  comeBack(batch: Batch): void {
    this.#wait(batch, 'first')
  }

  /** Two halves are the first to be sent in place of a batch. */
  split(batch: Batch): void {
    const [first, second] = batch.halves()
    this.#wait(second, 'first')
    this.#wait(first, 'first')
    batch.settle()
  }

  /** A smaller form of its only span is the first to be sent in place of a batch. */
  shrink(batch: Batch, smaller: EncodedSpan): void {
    const shrunk = batch.shrunk(smaller)
    this.#costBytes += shrunk.costBytes - batch.costBytes
    this.#wait(shrunk, 'first')
    batch.settle()
  }

  /** A batch that waits no more has come to its end. */
  forget(batch: Batch): void {
    this.#costBytes -= batch.costBytes
    batch.settle()
  }

  /** Has the spool keep a copy of a batch while it is in memory. */
  keepCopy(batch: Batch): void {
    if (batch.records !== undefined) return
    const record = this.#spool?.write(batch.spans)
    if (record !== undefined) batch.records = new HeldRecords(this.#spool!, [record])
  }

  /** Leaves a batch that waits no more to the spool alone. @returns whether the spool has it */
  spill(batch: Batch): boolean {
    if (batch.records?.putBack(batch.spans.length) === true) batch.records = undefined
    else if (!this.#toSpool(batch.spans)) return false
    this.forget(batch)
    return true
  }

  #toSpool(spans: readonly EncodedSpan[]): boolean {
    const record = this.#spool?.write(spans)
    if (record === undefined) return false
    this.#spool?.putBack(record)
    return true
  }

  #hasRoom(cost: number, spansAhead: number): boolean {
    const { maxQueueSizeBytes, maxQueueSize } = this.bounds
    return this.#costBytes + cost <= maxQueueSizeBytes && this.spans + spansAhead < maxQueueSize
  }

  #spillOldest(): boolean {
    if (this.#spool === undefined) return false
    if (this.#waiting.length === 0 && this.#queue.size > 0) this.#wait(this.#take(), 'last')
    const [oldest] = this.#waiting
    if (oldest === undefined || !this.spill(oldest)) return false
    this.remove(oldest)
    return true
  }

  #fromSpool(): Batch | undefined {
    // What is in memory goes first where there is no room; with nothing there, there is.
    const room = this.#costBytes === 0 ? Infinity : this.bounds.maxQueueSizeBytes - this.#costBytes
    const first = this.#spool?.read(room)
    if (first === undefined) return undefined
    const spans = [...first.spans]
    const records = [first.record]
    // Small ones share a request, as their spans would have.
    let next: typeof first | undefined = first
    let bytesLeft = Math.min(this.bounds.maxQueueSizeBytes - this.#costBytes, this.maxBatchBytes)
    while (next !== undefined) {
      for (const span of next.spans) bytesLeft -= costBytes(span)
      next = this.#spool?.read(bytesLeft, this.bounds.maxExportBatchSize - spans.length)
      spans.push(...(next?.spans ?? []))
      if (next !== undefined) records.push(next.record)
    }
    const batch = new Batch(spans)
    batch.records = new HeldRecords(this.#spool!, records)
    this.#costBytes += batch.costBytes
    return batch
  }

  #take(): Batch {
    const batch = new Batch(this.#queue.take(this.bounds.maxExportBatchSize, this.maxBatchBytes))
    this.#due = Math.max(0, this.#due - batch.spans.length)
    return batch
  }

  #wait(batch: Batch, where: 'first' | 'last'): void {
    if (where === 'first') this.#waiting.unshift(batch)
    else this.#waiting.push(batch)
    this.#waitingSpans += batch.spans.length
  }
}
