import type { SpanContext } from '@opentelemetry/api'

import type { ExportableEvent, ExportableLink, ExportableSpan } from './exportable-span.ts'
import { attributesJson } from './json-attributes.ts'
import { jsonText } from './json-text.ts'
import type { KeyTable } from './key-table.ts'
import { otlpFlags } from './span-flags.ts'

const traceIdPattern = /^(?!0{32})[\da-f]{32}$/i
const spanIdPattern = /^(?!0{16})[\da-f]{16}$/i

/**
 * A `Span` in protobuf's JSON. Fields that hold their default are left out.
 *
 * @returns nothing where the span has no valid ids, and nothing may be sent of it
 */
export function spanJson(span: ExportableSpan, keys: KeyTable<string>): string | undefined {
  const { filter } = keys
  const context = span.spanContext()
  const ids = idsJson(context)
  if (ids === undefined) return undefined
  const parent = span.parentSpanContext
  let json = `{${ids}${traceStateJson(context, keys)}`
  if (parent !== undefined && spanIdPattern.test(parent.spanId)) json += `,"parentSpanId":"${parent.spanId}"`
  json += textJson('name', filter.name(span.name, 'span.name'))
  // OTLP has a kind 0, unspecified, in front of the API's.
  json += countJson('kind', span.kind + 1)
  json += `,"startTimeUnixNano":${timeJson(span.startTime)},"endTimeUnixNano":${timeJson(span.endTime)}`
  json += `,"attributes":${attributesJson(span.attributes, keys)}`
  json += countJson('droppedAttributesCount', span.droppedAttributesCount)
  const { events, links, status } = span
  if (events.length > 0) json += `,"events":[${events.map((event) => eventJson(event, keys)).join(',')}]`
  json += countJson('droppedEventsCount', span.droppedEventsCount)
  const validLinks = links.map((link) => linkJson(link, keys)).filter((link) => link !== undefined)
  if (validLinks.length > 0) json += `,"links":[${validLinks.join(',')}]`
  json += countJson('droppedLinksCount', (span.droppedLinksCount ?? 0) + links.length - validLinks.length)
  const message = status.message === undefined ? '' : filter.text(status.message, 'status.message')
  const statusJson = `${countJson('code', status.code)}${textJson('message', message)}`
  if (statusJson !== '') json += `,"status":{${statusJson.slice(1)}}`
  return `${json},"flags":${otlpFlags(context.traceFlags, parent?.isRemote)}}`
}

function eventJson(event: ExportableEvent, keys: KeyTable<string>): string {
  const attributes = event.attributes === undefined ? '[]' : attributesJson(event.attributes, keys)
  const name = textJson('name', keys.filter.name(event.name, 'event.name'))
  const dropped = countJson('droppedAttributesCount', event.droppedAttributesCount)
  return `{"timeUnixNano":${timeJson(event.time)}${name},"attributes":${attributes}${dropped}}`
}

/** @returns nothing for a link to nowhere */
function linkJson(
  { context, attributes, droppedAttributesCount }: ExportableLink,
  keys: KeyTable<string>,
): string | undefined {
  const ids = idsJson(context)
  if (ids === undefined) return undefined
  const list = attributes === undefined ? '[]' : attributesJson(attributes, keys)
  const dropped = countJson('droppedAttributesCount', droppedAttributesCount)
  const flags = otlpFlags(context.traceFlags, context.isRemote)
  return `{${ids}${traceStateJson(context, keys)},"attributes":${list}${dropped},"flags":${flags}}`
}

function idsJson({ traceId, spanId }: SpanContext): string | undefined {
  if (!traceIdPattern.test(traceId) || !spanIdPattern.test(spanId)) return undefined
  return `"traceId":"${traceId}","spanId":"${spanId}"`
}

function traceStateJson({ traceState }: SpanContext, keys: KeyTable<string>): string {
  return traceState === undefined ? '' : textJson('traceState', keys.filter.traceState(traceState.serialize()))
}

/** A text with its name, where it is not empty. */
export function textJson(name: string, text: string): string {
  return text === '' ? '' : `,"${name}":${jsonText(text)}`
}

/** A number below 2^32 with its name, where it is not zero. */
export function countJson(name: string, count: number | undefined): string {
  const number = count === undefined ? 0 : count >>> 0
  return number === 0 ? '' : `,"${name}":${number}`
}

/** Nanoseconds pass 2^53, but seconds and nanoseconds are digits beside each other. */
function timeJson([seconds, nanos]: readonly [number, number]): string {
  if (seconds >= 0 && nanos >= 0 && nanos < 1e9)
    return `"${Math.trunc(seconds)}${String(Math.trunc(nanos)).padStart(9, '0')}"`
  if (!Number.isFinite(seconds) || !Number.isFinite(nanos)) return '"0"'
  return `"${BigInt.asUintN(64, BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(Math.trunc(nanos)))}"`
}
