/**
 * What spans are put together under in a request: a resource, or an instrumentation scope. Spans share one object per
 * group, so that grouping compares identities.
 */
export interface EncodedGroup {
  /** The message of the group, without tag and length: `Resource`, or `InstrumentationScope`. */
  readonly bytes: Uint8Array
  readonly schemaUrl: string
}

/** A group that may not be complete yet. */
export interface EncodedResource extends EncodedGroup {
  /** Whether detectors are still at work: a request that is built now would lack what they find. */
  readonly isPending: boolean
  /** Resolves when the detectors are done; never rejects. */
  settled(): Promise<void>
}

/**
 * One span as it will stand in a request: a range of a chunk of up to 64 KiB that spans share. Thousands of these wait at
 * a time, so there is no view of the range until somebody asks for one. Splitting and joining requests is regrouping
 * them: nothing is encoded twice.
 */
export class EncodedSpan {
  readonly resource: EncodedResource
  readonly scope: EncodedGroup
  /** Values that were shortened, and events and links that were left out, to keep the span in its budget. */
  readonly truncatedCount: number
  /** What holds it, and other spans beside it. */
  readonly chunk: Uint8Array
  readonly start: number
  readonly end: number

  constructor(
    resource: EncodedResource,
    scope: EncodedGroup,
    truncatedCount: number,
    chunk: Uint8Array,
    start = 0,
    end = chunk.length,
  ) {
    this.resource = resource
    this.scope = scope
    this.truncatedCount = truncatedCount
    this.chunk = chunk
    this.start = start
    this.end = end
  }

  get sizeBytes(): number {
    return this.end - this.start
  }

  /** The `Span` message, without tag and length; in JSON its text. */
  get bytes(): Uint8Array {
    const { chunk, start, end } = this
    return end - start === chunk.length ? chunk : chunk.subarray(start, end)
  }

  /** The same span, written differently. */
  withBytes(bytes: Uint8Array, truncatedCount = this.truncatedCount): EncodedSpan {
    return new EncodedSpan(this.resource, this.scope, truncatedCount, bytes)
  }
}
