import type { StoredEvent, StoredLink, StoredScope, StoredStatus } from '../../query/stored-span.ts'
import { readAttribute } from './protobuf-attributes.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'
import { readMessage } from './read-message.ts'
import {
  kindOf,
  parentOf,
  statusOf,
  traceStateOf,
  type MutableAttributes,
  type MutableResource,
  type SpanBatch,
} from '../../query/otlp/span-batch.ts'

/** Reads one `Span` into the batch. */
export function readSpan(bytes: Uint8Array, resource: MutableResource, scope: StoredScope, batch: SpanBatch): void {
  batch.countItem()
  const of = otlpFields.span
  let traceId = ''
  let spanId = ''
  let parentSpanId: string | undefined
  let traceState: string | undefined
  let name = ''
  let kind = 0
  let startUnixNano = 0n
  let endUnixNano = 0n
  let status = statusOf(0, undefined)
  let flags = 0
  const attributes: MutableAttributes = {}
  const events: StoredEvent[] = []
  const links: StoredLink[] = []
  readMessage(bytes, (tag, reader) => {
    if (tag === of.attributes) readAttribute(reader.bytes(), attributes, batch)
    else if (tag === of.traceId) traceId = hexOf(reader.bytes())
    else if (tag === of.spanId) spanId = hexOf(reader.bytes())
    else if (tag === of.parentSpanId) parentSpanId = hexOf(reader.bytes())
    else if (tag === of.traceState) traceState = reader.string()
    else if (tag === of.name) name = reader.string()
    else if (tag === of.kind) kind = reader.int32()
    else if (tag === of.startTime) startUnixNano = BigInt(reader.fixed64())
    else if (tag === of.endTime) endUnixNano = BigInt(reader.fixed64())
    else if (tag === of.events) events.push(readEvent(reader.bytes(), batch))
    else if (tag === of.links) links.push(readLink(reader.bytes(), batch))
    else if (tag === of.status) status = readStatus(reader.bytes())
    else if (tag === of.flags) flags = reader.fixed32()
    else return false
    return true
  })
  batch.add({
    traceId,
    spanId,
    ...parentOf(parentSpanId),
    ...traceStateOf(traceState),
    flags,
    name,
    kind: kindOf(kind),
    startUnixNano,
    endUnixNano,
    status,
    attributes,
    events,
    links,
    resource,
    scope,
  })
}

function readEvent(bytes: Uint8Array, batch: SpanBatch): StoredEvent {
  batch.countItem()
  let name = ''
  let timeUnixNano = 0n
  const attributes: MutableAttributes = {}
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.event.time) timeUnixNano = BigInt(reader.fixed64())
    else if (tag === otlpFields.event.name) name = reader.string()
    else if (tag === otlpFields.event.attributes) readAttribute(reader.bytes(), attributes, batch)
    else return false
    return true
  })
  return { name, timeUnixNano, attributes }
}

function readLink(bytes: Uint8Array, batch: SpanBatch): StoredLink {
  batch.countItem()
  let traceId = ''
  let spanId = ''
  let traceState: string | undefined
  let flags = 0
  const attributes: MutableAttributes = {}
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.link.traceId) traceId = hexOf(reader.bytes())
    else if (tag === otlpFields.link.spanId) spanId = hexOf(reader.bytes())
    else if (tag === otlpFields.link.traceState) traceState = reader.string()
    else if (tag === otlpFields.link.attributes) readAttribute(reader.bytes(), attributes, batch)
    else if (tag === otlpFields.link.flags) flags = reader.fixed32()
    else return false
    return true
  })
  return { traceId, spanId, ...traceStateOf(traceState), flags, attributes }
}

function readStatus(bytes: Uint8Array): StoredStatus {
  let code = 0
  let message: string | undefined
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.status.code) code = reader.int32()
    else if (tag === otlpFields.status.message) message = reader.string()
    else return false
    return true
  })
  return statusOf(code, message)
}

/** An id as text. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
