import type { EncodedSpan } from '../otlp/encoded-span.ts'
import { Fifo } from './fifo.ts'

/** What a span costs besides its bytes: the object, and its place in the queue. */
const overheadBytes = 96

/** What a span counts for against the bound of a queue, in bytes. */
export function costBytes(span: EncodedSpan): number {
  return span.sizeBytes + overheadBytes
}

/** Encoded spans in the order in which they ended. */
export class SpanQueue {
  readonly #spans = new Fifo<EncodedSpan>()
  #bytes = 0

  get size(): number {
    return this.#spans.size
  }

  /** The sum of the spans' encoded bytes. */
  get bytes(): number {
    return this.#bytes
  }

  push(span: EncodedSpan): void {
    this.#spans.push(span)
    this.#bytes += span.sizeBytes
  }

  /** Takes spans from the front: at most `maxSpans`, and as many as fit into `maxBytes`, but one in any case. */
  take(maxSpans: number, maxBytes: number): EncodedSpan[] {
    const taken: EncodedSpan[] = []
    let bytes = 0
    while (taken.length < maxSpans) {
      const more = this.#spans.head?.sizeBytes
      if (more === undefined || (taken.length > 0 && bytes + more > maxBytes)) break
      taken.push(this.#spans.shift()!)
      bytes += more
    }
    this.#bytes -= bytes
    return taken
  }
}
