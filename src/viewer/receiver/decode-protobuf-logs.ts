import { otlpFields } from '../../internal/otlp-fields.ts'
import { addRecord } from '../../query/otlp/evaluation-span.ts'
import {
  SpanBatch,
  type MutableAttributes,
  type MutableResource,
  type MutableScope,
} from '../../query/otlp/span-batch.ts'
import type { StoredScope } from '../../query/stored-span.ts'
import { decodeWith, readResource, readScope } from './decode-protobuf.ts'
import { readAttribute } from './protobuf-attributes.ts'
import { hexOf } from './protobuf-span.ts'
import { readMessage } from './read-message.ts'

/**
 * Decodes an `ExportLogsServiceRequest` from protobuf: the records that judge runs come out as spans, the others are
 * counted.
 *
 * @throws {@link OtlpError} `malformed` where the bytes are something else, `too_much` where they are too many things
 */
export function decodeProtobufLogs(bytes: Uint8Array): SpanBatch {
  return decodeWith(new SpanBatch(), bytes, otlpFields.logsRequest.resourceLogs, readResourceLogs)
}

function readResourceLogs(bytes: Uint8Array, batch: SpanBatch): void {
  const resource: MutableResource = { attributes: {} }
  const scopes: Uint8Array[] = []
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.resourceLogs.resource) readResource(reader.bytes(), resource, batch)
    else if (tag === otlpFields.resourceLogs.scopeLogs) scopes.push(reader.bytes())
    else return false
    return true
  })
  // What a record's id is made of has to be there first, in whatever order it came.
  for (const scopeLogs of scopes) readScopeLogs(scopeLogs, resource, batch)
}

function readScopeLogs(bytes: Uint8Array, resource: MutableResource, batch: SpanBatch): void {
  const scope: MutableScope = { name: '' }
  const records: Uint8Array[] = []
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.scopeLogs.scope) readScope(reader.bytes(), scope)
    else if (tag === otlpFields.scopeLogs.logRecords) records.push(reader.bytes())
    else return false
    return true
  })
  for (const record of records) readRecord(record, resource, scope, batch)
}

function readRecord(bytes: Uint8Array, resource: MutableResource, scope: StoredScope, batch: SpanBatch): void {
  batch.countItem()
  const of = otlpFields.logRecord
  const attributes: MutableAttributes = {}
  let eventName = ''
  let timeUnixNano = 0n
  let observedUnixNano = 0n
  let traceId = ''
  let spanId = ''
  let flags = 0
  readMessage(bytes, (tag, reader) => {
    if (tag === of.attributes) readAttribute(reader.bytes(), attributes, batch)
    else if (tag === of.time) timeUnixNano = BigInt(reader.fixed64())
    else if (tag === of.observedTime) observedUnixNano = BigInt(reader.fixed64())
    else if (tag === of.traceId) traceId = hexOf(reader.bytes())
    else if (tag === of.spanId) spanId = hexOf(reader.bytes())
    else if (tag === of.flags) flags = reader.fixed32()
    else if (tag === of.eventName) eventName = reader.string()
    else return false
    return true
  })
  addRecord(batch, {
    eventName,
    timeUnixNano: timeUnixNano === 0n ? observedUnixNano : timeUnixNano,
    traceId,
    spanId,
    flags,
    attributes,
    resource,
    scope,
  })
}
