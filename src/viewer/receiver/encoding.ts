import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

import { decodeJson } from '../../query/otlp/decode-json.ts'
import { decodeProtobuf } from './decode-protobuf.ts'
import { Refusal } from './refusal.ts'
import type { SpanBatch } from '../../query/otlp/span-batch.ts'

/** One of OTLP/HTTP's two encodings: a request's, and so its answer's. */
export interface Encoding {
  readonly contentType: string
  /** @throws `OtlpError` where the bytes are no trace request */
  decode(bytes: Uint8Array): SpanBatch
  /** An `ExportTraceServiceResponse`: empty, or a partial success where spans were rejected. */
  encodeResponse(rejectedCount: number): Uint8Array
  /** A `google.rpc.Status`. */
  encodeStatus(code: number, message: string): Uint8Array
}

const whyRejected = 'Spans without a valid trace id and span id were left out.'

/** OTLP's JSON. */
export const json: Encoding = {
  contentType: 'application/json',
  decode: decodeJson,
  encodeResponse: (rejectedCount) =>
    jsonBytes(
      rejectedCount === 0
        ? {}
        : { partialSuccess: { rejectedSpans: String(rejectedCount), errorMessage: whyRejected } },
    ),
  encodeStatus: (code, message) => jsonBytes({ code, message }),
}

/** Protobuf. */
const protobuf: Encoding = {
  contentType: 'application/x-protobuf',
  decode: decodeProtobuf,
  encodeResponse(rejectedCount) {
    const writer = new BinaryWriter()
    if (rejectedCount > 0) {
      writer.tag(1, WireType.LengthDelimited).fork()
      writer.tag(1, WireType.Varint).int64(rejectedCount)
      writer.tag(2, WireType.LengthDelimited).string(whyRejected)
      writer.join()
    }
    return writer.finish()
  },
  encodeStatus: (code, message) =>
    new BinaryWriter().tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited).string(message).finish(),
}

/** The encoding that a content type names, whatever parameters follow it. */
export function encodingOf(contentType: string | undefined): Encoding {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType === json.contentType) return json
  if (mediaType === protobuf.contentType) return protobuf
  throw new Refusal(415, `The content type is not supported. Use ${json.contentType} or ${protobuf.contentType}.`)
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
