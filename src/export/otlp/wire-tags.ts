const varint = 0
const bit64 = 1
const delimited = 2
const bit32 = 5

/** A field as the wire announces it: its number, and how its value is laid out. */
function field(number: number, layout: number): number {
  return number * 8 + layout
}

/** Tags of opentelemetry-proto 1.x: trace, common and resource v1, which may only grow. */
export const tags = {
  request: { resourceSpans: field(1, delimited) },
  resourceSpans: { resource: field(1, delimited), scopeSpans: field(2, delimited), schemaUrl: field(3, delimited) },
  scopeSpans: { scope: field(1, delimited), spans: field(2, delimited), schemaUrl: field(3, delimited) },
  resource: { attributes: field(1, delimited) },
  scope: {
    name: field(1, delimited),
    version: field(2, delimited),
    attributes: field(3, delimited),
    droppedAttributesCount: field(4, varint),
  },
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
    droppedAttributesCount: field(10, varint),
    events: field(11, delimited),
    droppedEventsCount: field(12, varint),
    links: field(13, delimited),
    droppedLinksCount: field(14, varint),
    status: field(15, delimited),
    flags: field(16, bit32),
  },
  event: {
    time: field(1, bit64),
    name: field(2, delimited),
    attributes: field(3, delimited),
    droppedAttributesCount: field(4, varint),
  },
  link: {
    traceId: field(1, delimited),
    spanId: field(2, delimited),
    traceState: field(3, delimited),
    attributes: field(4, delimited),
    droppedAttributesCount: field(5, varint),
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
