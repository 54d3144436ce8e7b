import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

import { decodeJson } from '../../query/otlp/decode-json.ts'
import { decodeJsonLogs } from '../../query/otlp/decode-json-logs.ts'
import { decodeProtobuf } from './decode-protobuf.ts'
import { decodeProtobufLogs } from './decode-protobuf-logs.ts'
import { Refusal } from './refusal.ts'
import type { SpanBatch } from '../../query/otlp/span-batch.ts'

/** What a request is about. */
export type Signal = 'traces' | 'logs'

/** One of OTLP/HTTP's two encodings: a request's, and so its answer's. */
export interface Encoding {
  readonly contentType: string
  /** What is read of each kind of request. @throws `OtlpError` where the bytes are no such request */
  readonly decode: Readonly<Record<Signal, (bytes: Uint8Array) => SpanBatch>>
  /** The response of a signal: empty, or a partial success where something was rejected. */
  encodeResponse(signal: Signal, rejectedCount: number): Uint8Array
  /** A `google.rpc.Status`. */
  encodeStatus(code: number, message: string): Uint8Array
}

/** What is left out of a request, and what OTLP's JSON calls its number. Protobuf has them under the same numbers. */
const rejected: Readonly<Record<Signal, { readonly key: string; readonly why: string }>> = {
  traces: { key: 'rejectedSpans', why: 'Spans without a valid trace id and span id were left out.' },
  logs: { key: 'rejectedLogRecords', why: 'Only gen_ai.evaluation.result records that name a run are kept.' },
}

/** OTLP's JSON. */
export const json: Encoding = {
  contentType: 'application/json',
  decode: { traces: decodeJson, logs: decodeJsonLogs },
  encodeResponse(signal, rejectedCount) {
    const { key, why } = rejected[signal]
    return jsonBytes(rejectedCount === 0 ? {} : { partialSuccess: { [key]: String(rejectedCount), errorMessage: why } })
  },
  encodeStatus: (code, message) => jsonBytes({ code, message }),
}

/** Protobuf. */
const protobuf: Encoding = {
  contentType: 'application/x-protobuf',
  decode: { traces: decodeProtobuf, logs: decodeProtobufLogs },
  encodeResponse(signal, rejectedCount) {
    const writer = new BinaryWriter()
    if (rejectedCount > 0) {
      writer.tag(1, WireType.LengthDelimited).fork()
      writer.tag(1, WireType.Varint).int64(rejectedCount)
      writer.tag(2, WireType.LengthDelimited).string(rejected[signal].why)
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
