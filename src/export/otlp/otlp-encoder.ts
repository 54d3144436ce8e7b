import type { EncodedSpan } from './encoded-span.ts'
import type { ExportableSpan } from './exportable-span.ts'

/**
 * Turns spans into OTLP requests, for one destination: its encoding, its redaction, its budgets. Nothing here throws,
 * whatever a span holds, and no span is changed.
 */
export interface OtlpEncoder {
  /** The content type of what {@link encodeRequest} returns. */
  readonly contentType: 'application/x-protobuf' | 'application/json'

  /**
   * Redacts, shortens and encodes one span, here and now, however large it is.
   *
   * @returns nothing where the span cannot be sent: no valid ids, or it throws when it is read. One such span would
   * cost the whole request it is in. Count it as dropped, `malformed`.
   */
  encodeSpan(span: ExportableSpan): EncodedSpan | undefined

  /**
   * {@link encodeSpan}, but a span with a value above 256 KiB goes through a worker thread. Only then comes a promise
   * back; it never rejects.
   */
  encodeSpanAsync(span: ExportableSpan): EncodedSpan | undefined | Promise<EncodedSpan | undefined>

  /** An `ExportTraceServiceRequest` of these spans, grouped by resource and scope. */
  encodeRequest(spans: readonly EncodedSpan[]): Uint8Array

  /** How long {@link encodeRequest} would be, in bytes: exact. */
  requestSizeBytes(spans: readonly EncodedSpan[]): number

  /**
   * The same span in at most `maxSizeBytes` of {@link EncodedSpan.sizeBytes}: its largest values are shortened first, then
   * events and links are left out, oldest first, then attributes.
   *
   * @returns nothing where even that does not fit
   */
  shrinkSpan(span: EncodedSpan, maxSizeBytes: number): EncodedSpan | undefined

  /** Bytes of text that wait for the worker thread, or are in it. */
  readonly pendingSizeBytes: number
}
