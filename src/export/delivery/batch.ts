import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { FlushTicket } from './flush-ticket.ts'
import type { HeldRecords } from './held-records.ts'
import { costBytes } from './span-queue.ts'

/** What a batch takes over from the one that it is a part of. */
interface BatchOrigin {
  readonly isShrunk?: boolean
  readonly tickets?: readonly FlushTicket[]
  readonly records?: HeldRecords | undefined
}

/** Spans that go out in one request. A batch is never changed: splitting it makes two. */
export class Batch {
  readonly spans: readonly EncodedSpan[]
  /** The spans' encoded bytes. */
  readonly bytes: number
  /** What the spans count for against the bound of the queue. */
  readonly costBytes: number
  /** Whether its span was shortened because the destination found it too large. */
  readonly isShrunk: boolean
  /** Where the spool has its spans. */
  records: HeldRecords | undefined
  readonly #tickets: FlushTicket[]

  constructor(spans: readonly EncodedSpan[], { isShrunk = false, tickets = [], records }: BatchOrigin = {}) {
    this.spans = spans
    this.isShrunk = isShrunk
    this.records = records
    records?.hold()
    let bytes = 0
    let cost = 0
    for (const span of spans) {
      bytes += span.sizeBytes
      cost += costBytes(span)
    }
    this.bytes = bytes
    this.costBytes = cost
    this.#tickets = [...tickets]
    for (const ticket of tickets) ticket.hold()
  }

  /** Whoever holds the ticket waits for this batch too. */
  awaitedBy(ticket: FlushTicket): void {
    ticket.hold()
    this.#tickets.push(ticket)
  }

  /** Its spans have come to an end, or others carry them on. */
  settle(): void {
    this.records?.release()
    this.records = undefined
    for (const ticket of this.#tickets.splice(0)) ticket.release()
  }

  /** Two batches of about the same number of bytes, in the same order. Needs two spans at least. */
  halves(): readonly [Batch, Batch] {
    let at = 1
    let bytes = this.spans[0]!.sizeBytes
    while (at < this.spans.length - 1 && bytes * 2 < this.bytes) bytes += this.spans[at++]!.sizeBytes
    const origin = { tickets: this.#tickets, records: this.records }
    return [new Batch(this.spans.slice(0, at), origin), new Batch(this.spans.slice(at), origin)]
  }

  /** The same batch with its only span in a smaller form. */
  shrunk(span: EncodedSpan): Batch {
    return new Batch([span], { isShrunk: true, tickets: this.#tickets, records: this.records })
  }
}
