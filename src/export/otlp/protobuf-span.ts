import type { ByteWriter } from './byte-writer.ts'
import type { ExportableEvent, ExportableLink, ExportableSpan } from './exportable-span.ts'
import type { KeyTable } from './key-table.ts'
import { writeAttributes } from './protobuf-attributes.ts'
import { otlpFlags } from './span-flags.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'

/**
 * Writes a `Span` message. Fields that hold their default are left out, as protobuf's own encoders do.
 *
 * @returns false where the span has no valid ids, and nothing may be sent of it
 */
export function writeSpan(writer: ByteWriter, span: ExportableSpan, keys: KeyTable<Uint8Array>): boolean {
  const { filter } = keys
  const context = span.spanContext()
  const { traceId, spanId } = context
  if (!writer.id(otlpFields.span.traceId, traceId, 16) || !writer.id(otlpFields.span.spanId, spanId, 8)) return false
  if (context.traceState !== undefined) {
    writeText(writer, otlpFields.span.traceState, filter.traceState(context.traceState.serialize()))
  }
  const parent = span.parentSpanContext
  if (parent !== undefined) writer.id(otlpFields.span.parentSpanId, parent.spanId, 8)
  writeText(writer, otlpFields.span.name, filter.name(span.name, 'span.name'))
  // OTLP has a kind 0, unspecified, in front of the API's.
  writeCount(writer, otlpFields.span.kind, span.kind + 1)
  writer.tag(otlpFields.span.startTime)
  writer.time(span.startTime[0], span.startTime[1])
  writer.tag(otlpFields.span.endTime)
  writer.time(span.endTime[0], span.endTime[1])
  writeAttributes(writer, otlpFields.span.attributes, span.attributes, keys)
  writeCount(writer, otlpFields.span.droppedAttributesCount, span.droppedAttributesCount)
  const { events, links, status } = span
  for (let index = 0; index < events.length; index++) writeEvent(writer, events[index]!, keys)
  writeCount(writer, otlpFields.span.droppedEventsCount, span.droppedEventsCount)
  let invalidLinks = 0
  for (let index = 0; index < links.length; index++) if (!writeLink(writer, links[index]!, keys)) invalidLinks++
  writeCount(writer, otlpFields.span.droppedLinksCount, (span.droppedLinksCount ?? 0) + invalidLinks)
  if (status.code !== 0 || (status.message !== undefined && status.message !== '')) {
    writer.tag(otlpFields.span.status)
    const start = writer.startMessage()
    if (status.message !== undefined) {
      writeText(writer, otlpFields.status.message, filter.text(status.message, 'status.message'))
    }
    writeCount(writer, otlpFields.status.code, status.code)
    writer.endMessage(start)
  }
  writer.tag(otlpFields.span.flags)
  writer.fixed32(otlpFlags(context.traceFlags, parent?.isRemote))
  return true
}

function writeEvent(writer: ByteWriter, event: ExportableEvent, keys: KeyTable<Uint8Array>): void {
  writer.tag(otlpFields.span.events)
  const start = writer.startMessage()
  writer.tag(otlpFields.event.time)
  writer.time(event.time[0], event.time[1])
  writeText(writer, otlpFields.event.name, keys.filter.name(event.name, 'event.name'))
  if (event.attributes !== undefined) writeAttributes(writer, otlpFields.event.attributes, event.attributes, keys)
  writeCount(writer, otlpFields.event.droppedAttributesCount, event.droppedAttributesCount)
  writer.endMessage(start)
}

/** @returns false for a link to nowhere */
function writeLink(writer: ByteWriter, link: ExportableLink, keys: KeyTable<Uint8Array>): boolean {
  const { context } = link
  const { position } = writer
  writer.tag(otlpFields.span.links)
  const start = writer.startMessage()
  if (
    !writer.id(otlpFields.link.traceId, context.traceId, 16) ||
    !writer.id(otlpFields.link.spanId, context.spanId, 8)
  ) {
    writer.rewind(position)
    return false
  }
  if (context.traceState !== undefined) {
    writeText(writer, otlpFields.link.traceState, keys.filter.traceState(context.traceState.serialize()))
  }
  if (link.attributes !== undefined) writeAttributes(writer, otlpFields.link.attributes, link.attributes, keys)
  writeCount(writer, otlpFields.link.droppedAttributesCount, link.droppedAttributesCount)
  writer.tag(otlpFields.link.flags)
  writer.fixed32(otlpFlags(context.traceFlags, context.isRemote))
  writer.endMessage(start)
  return true
}

/** A text field, where it is not empty. */
export function writeText(writer: ByteWriter, tag: number, text: string): void {
  if (text === '') return
  writer.tag(tag)
  writer.text(text)
}

/** A number below 2^32, where it is not zero. */
export function writeCount(writer: ByteWriter, tag: number, count: number | undefined): void {
  const number = count === undefined ? 0 : count >>> 0
  if (number === 0) return
  writer.tag(tag)
  writer.uint32(number)
}
