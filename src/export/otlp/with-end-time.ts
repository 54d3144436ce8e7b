import { otlpFields } from '../../internal/otlp-fields.ts'
import type { OtlpEncoder } from './otlp-encoder.ts'
import { eachField } from './protobuf-fields.ts'

/** A span that is encoded already, with another end. @returns the span as it is where it has none */
export function withEndTime(
  bytes: Uint8Array,
  contentType: OtlpEncoder['contentType'],
  endUnixMillis: number,
): Uint8Array {
  const unixNano = BigInt(Math.round(endUnixMillis)) * 1_000_000n
  if (contentType === 'application/json') {
    // Quotes inside of texts have a backslash before them, so that this is no text.
    const json = Buffer.from(bytes).toString()
    return Buffer.from(json.replace(/"endTimeUnixNano":"\d+"/, `"endTimeUnixNano":"${unixNano}"`))
  }
  const at = placeOfEndTime(bytes)
  if (at === undefined) return bytes
  const patched = Buffer.from(bytes)
  patched.writeBigUInt64LE(unixNano, at)
  return patched
}

/** Where the eight bytes of the end stand in a `Span` message. */
function placeOfEndTime(bytes: Uint8Array): number | undefined {
  let at: number | undefined
  eachField(bytes, (tag, _start, bodyStart, end) => {
    if (tag === otlpFields.span.endTime && end <= bytes.length) at ??= bodyStart
  })
  return at
}
