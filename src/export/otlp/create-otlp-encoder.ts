import type { OtlpEncoder } from './otlp-encoder.ts'
import { protobufRequest, protobufRequestSize } from './protobuf-request.ts'
import { ProtobufSpans } from './protobuf-spans.ts'
import { unfiltered } from './value-filter.ts'

/** Makes the encoder of one destination. */
export function createOtlpEncoder(): OtlpEncoder {
  const spans = new ProtobufSpans(unfiltered)
  const encodeSpan: OtlpEncoder['encodeSpan'] = (span) => {
    try {
      return spans.encode(span)
    } catch {
      return undefined
    }
  }
  return {
    contentType: 'application/x-protobuf',
    encodeSpan,
    encodeSpanAsync: encodeSpan,
    encodeRequest: protobufRequest,
    requestSizeBytes: protobufRequestSize,
    shrinkSpan: (span, maxSizeBytes) => (span.bytes.length <= maxSizeBytes ? span : undefined),
    pendingSizeBytes: 0,
  }
}
