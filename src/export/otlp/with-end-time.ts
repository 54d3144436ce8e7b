import { otlpFields } from '../../internal/otlp-fields.ts'
import type { OtlpEncoder } from './otlp-encoder.ts'

/** How many bytes follow the tags of fields whose length the tag says. */
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 }
const lengthDelimited = 2
const varint = 0

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
  let at = 0
  const number = (): number => {
    let value = 0
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    return value
  }
  while (at < bytes.length) {
    const tag = number()
    if (tag === otlpFields.span.endTime) return at + 8 <= bytes.length ? at : undefined
    const wireType = tag % 8
    const value = wireType === varint || wireType === lengthDelimited ? number() : 0
    if (wireType === lengthDelimited) at += value
    else if (wireType !== varint) at += fixedBytes[wireType] ?? bytes.length
  }
  return undefined
}
