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

/** One span as it will stand in a request. Splitting and joining requests is regrouping these: nothing is encoded twice. */
export interface EncodedSpan {
  readonly resource: EncodedResource
  readonly scope: EncodedGroup
  /** The `Span` message, without tag and length; in JSON its text. A view of a chunk of up to 64 KiB that spans share. */
  readonly bytes: Uint8Array
  /** Values that were shortened, and events and links that were left out, to keep the span in its budget. */
  readonly truncatedCount: number
}
