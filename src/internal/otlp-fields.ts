const varint = 0
const bit64 = 1
const delimited = 2
const bit32 = 5

/** A field as the wire announces it: its number, and how its value is laid out. */
export function fieldTag(number: number, layout: number): number {
  return number * 8 + layout
}

/**
 * Fields of opentelemetry-proto 1.x: trace, logs, common and resource v1, which may only grow. Whoever writes OTLP puts them
 * before its values, and whoever reads it finds values by them.
 */
export const otlpFields = {
  request: { resourceSpans: fieldTag(1, delimited) },
  resourceSpans: {
    resource: fieldTag(1, delimited),
    scopeSpans: fieldTag(2, delimited),
    schemaUrl: fieldTag(3, delimited),
  },
  scopeSpans: { scope: fieldTag(1, delimited), spans: fieldTag(2, delimited), schemaUrl: fieldTag(3, delimited) },
  logsRequest: { resourceLogs: fieldTag(1, delimited) },
  resourceLogs: { resource: fieldTag(1, delimited), scopeLogs: fieldTag(2, delimited) },
  scopeLogs: { scope: fieldTag(1, delimited), logRecords: fieldTag(2, delimited) },
  logRecord: {
    time: fieldTag(1, bit64),
    attributes: fieldTag(6, delimited),
    flags: fieldTag(8, bit32),
    traceId: fieldTag(9, delimited),
    spanId: fieldTag(10, delimited),
    observedTime: fieldTag(11, bit64),
    eventName: fieldTag(12, delimited),
  },
  resource: { attributes: fieldTag(1, delimited) },
  scope: {
    name: fieldTag(1, delimited),
    version: fieldTag(2, delimited),
    attributes: fieldTag(3, delimited),
    droppedAttributesCount: fieldTag(4, varint),
  },
  span: {
    traceId: fieldTag(1, delimited),
    spanId: fieldTag(2, delimited),
    traceState: fieldTag(3, delimited),
    parentSpanId: fieldTag(4, delimited),
    name: fieldTag(5, delimited),
    kind: fieldTag(6, varint),
    startTime: fieldTag(7, bit64),
    endTime: fieldTag(8, bit64),
    attributes: fieldTag(9, delimited),
    droppedAttributesCount: fieldTag(10, varint),
    events: fieldTag(11, delimited),
    droppedEventsCount: fieldTag(12, varint),
    links: fieldTag(13, delimited),
    droppedLinksCount: fieldTag(14, varint),
    status: fieldTag(15, delimited),
    flags: fieldTag(16, bit32),
  },
  event: {
    time: fieldTag(1, bit64),
    name: fieldTag(2, delimited),
    attributes: fieldTag(3, delimited),
    droppedAttributesCount: fieldTag(4, varint),
  },
  link: {
    traceId: fieldTag(1, delimited),
    spanId: fieldTag(2, delimited),
    traceState: fieldTag(3, delimited),
    attributes: fieldTag(4, delimited),
    droppedAttributesCount: fieldTag(5, varint),
    flags: fieldTag(6, bit32),
  },
  status: { message: fieldTag(2, delimited), code: fieldTag(3, varint) },
  keyValue: { key: fieldTag(1, delimited), value: fieldTag(2, delimited) },
  anyValue: {
    string: fieldTag(1, delimited),
    bool: fieldTag(2, varint),
    int: fieldTag(3, varint),
    double: fieldTag(4, bit64),
    list: fieldTag(5, delimited),
    map: fieldTag(6, delimited),
    bytes: fieldTag(7, delimited),
  },
  values: { values: fieldTag(1, delimited) },
} as const
