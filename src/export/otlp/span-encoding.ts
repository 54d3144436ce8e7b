import type { EncodedSpan } from './encoded-span.ts'
import type { ExportableSpan } from './exportable-span.ts'

/** One of the two encodings of OTLP over HTTP, for one destination. */
export interface SpanEncoding {
  readonly contentType: 'application/x-protobuf' | 'application/json'
  /**
   * @returns nothing where the span has no valid ids
   * @throws what the span throws when it is read
   */
  encode(span: ExportableSpan): EncodedSpan | undefined
  request(spans: readonly EncodedSpan[]): Uint8Array
  requestSizeBytes(spans: readonly EncodedSpan[]): number
}
