import type { EncodedSpan } from '../otlp/encoded-span.ts'

/** What a span costs besides its bytes: the object, the view, and its place in the queue. */
const overheadBytes = 176

/** What a span counts for against the bound of a queue, in bytes. */
export function costBytes(span: EncodedSpan): number {
  return span.bytes.byteLength + overheadBytes
}

/** Encoded spans in the order in which they ended. Taking from the front costs no copy of the rest. */
export class SpanQueue {
  #spans: EncodedSpan[] = []
  #first = 0
  #bytes = 0

  get size(): number {
    return this.#spans.length - this.#first
  }

  /** The sum of the spans' encoded bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get head(): EncodedSpan | undefined {
    return this.#spans[this.#first]
  }

  push(span: EncodedSpan): void {
    this.#spans.push(span)
    this.#bytes += span.bytes.byteLength
  }

  /** Takes spans from the front: at most `maxSpans`, and as many as fit into `maxBytes`, but one in any case. */
  take(maxSpans: number, maxBytes: number): EncodedSpan[] {
    const end = Math.min(this.#first + maxSpans, this.#spans.length)
    let at = this.#first
    let bytes = 0
    while (at < end) {
      const more = this.#spans[at]!.bytes.byteLength
      if (at > this.#first && bytes + more > maxBytes) break
      bytes += more
      at++
    }
    const taken = this.#spans.slice(this.#first, at)
    this.#first = at
    this.#bytes -= bytes
    // Half of the array is behind us: give it back. Amortised, each span is moved once.
    if (this.#first > 1024 && this.#first * 2 > this.#spans.length) {
      this.#spans = this.#spans.slice(this.#first)
      this.#first = 0
    }
    return taken
  }
}
