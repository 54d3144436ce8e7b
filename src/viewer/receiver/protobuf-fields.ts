import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** A field as it is announced on the wire: its number, and how its value is laid out. */
function field(number: number, type: WireType): number {
  return number * 8 + type
}
const { Varint: varint, Bit64: bit64, Bit32: bit32, LengthDelimited: delimited } = WireType

/**
 * Field numbers of opentelemetry-proto 1.x: trace, common and resource v1, which may only grow. A field that arrives
 * with another layout than here is unknown, and skipped.
 */
export const fields = {
  request: { resourceSpans: field(1, delimited) },
  resourceSpans: { resource: field(1, delimited), scopeSpans: field(2, delimited) },
  scopeSpans: { scope: field(1, delimited), spans: field(2, delimited) },
  resource: { attributes: field(1, delimited) },
  scope: { name: field(1, delimited), version: field(2, delimited) },
  span: {
    traceId: field(1, delimited),
    spanId: field(2, delimited),
    traceState: field(3, delimited),
    parentSpanId: field(4, delimited),
    name: field(5, delimited),
    kind: field(6, varint),
    startTime: field(7, bit64),
    endTime: field(8, bit64),
    attributes: field(9, delimited),
    events: field(11, delimited),
    links: field(13, delimited),
    status: field(15, delimited),
    flags: field(16, bit32),
  },
  event: { time: field(1, bit64), name: field(2, delimited), attributes: field(3, delimited) },
  link: {
    traceId: field(1, delimited),
    spanId: field(2, delimited),
    traceState: field(3, delimited),
    attributes: field(4, delimited),
    flags: field(6, bit32),
  },
  status: { message: field(2, delimited), code: field(3, varint) },
  keyValue: { key: field(1, delimited), value: field(2, delimited) },
  anyValue: {
    string: field(1, delimited),
    bool: field(2, varint),
    int: field(3, varint),
    double: field(4, bit64),
    list: field(5, delimited),
    map: field(6, delimited),
    bytes: field(7, delimited),
  },
  values: { values: field(1, delimited) },
} as const

/**
 * Reads one message. A message inside another is read from its own bytes, so that it cannot reach beyond its end.
 *
 * @param read takes the fields it knows and says so; every other one is skipped
 */
export function readMessage(bytes: Uint8Array, read: (tag: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (!read(field(number, type), reader)) reader.skip(type, number)
  }
}
