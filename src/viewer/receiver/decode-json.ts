import type { StoredEvent, StoredLink, StoredResource, StoredScope, StoredSpan } from '../../query/stored-span.ts'
import { attributesAt } from './json-attributes.ts'
import { enumAt, nanosAt, numberAt, objectAt, objectOf, objectsAt, textAt, type JsonObject } from './json-fields.ts'
import { malformed, Refusal } from './refusal.ts'
import { kindOf, maxItems, parentOf, SpanBatch, statusOf, traceStateOf } from './span-batch.ts'

/** Objects and lists that a JSON body may have: an item has up to four of them. */
const maxJsonContainers = 4 * maxItems

/**
 * Decodes an `ExportTraceServiceRequest` from OTLP's JSON: ids are hex, 64-bit integers numbers or strings, enums
 * numbers; fields nobody knows are ignored.
 *
 * @throws {@link Refusal} 400 where the text is something else, 413 where it is too many things
 */
export function decodeJson(bytes: Uint8Array): SpanBatch {
  const request = objectOf(parse(bytes), 'the body')
  const batch = new SpanBatch()
  for (const resourceSpans of objectsAt(request, 'resourceSpans')) {
    const resource = { attributes: attributesAt(objectAt(resourceSpans, 'resource'), 'attributes', batch) }
    for (const scopeSpans of objectsAt(resourceSpans, 'scopeSpans')) {
      const scope = scopeOf(objectAt(scopeSpans, 'scope'))
      for (const span of objectsAt(scopeSpans, 'spans')) batch.add(spanOf(span, resource, scope, batch))
    }
  }
  return batch
}

function parse(bytes: Uint8Array): unknown {
  // `{}` is three bytes with its comma and thirty times that once parsed, before anything of ours could count it.
  let containers = 0
  for (const byte of bytes) if (byte === 0x7b || byte === 0x5b) containers++
  if (containers > maxJsonContainers) {
    throw new Refusal(413, `A JSON body may have at most ${maxJsonContainers} objects and lists.`)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw malformed('it is no JSON', error)
  }
}

function scopeOf(scope: JsonObject): StoredScope {
  const name = textAt(scope, 'name')
  const version = textAt(scope, 'version')
  return version === '' ? { name } : { name, version }
}

const kindNames = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((n) => `SPAN_KIND_${n}`)
const statusNames = ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`)

function spanOf(span: JsonObject, resource: StoredResource, scope: StoredScope, batch: SpanBatch): StoredSpan {
  batch.countItem()
  const status = objectAt(span, 'status')
  return {
    traceId: textAt(span, 'traceId').toLowerCase(),
    spanId: textAt(span, 'spanId').toLowerCase(),
    ...parentOf(textAt(span, 'parentSpanId').toLowerCase()),
    ...traceStateOf(textAt(span, 'traceState')),
    flags: numberAt(span, 'flags'),
    name: textAt(span, 'name'),
    kind: kindOf(enumAt(span, 'kind', kindNames)),
    startUnixNano: nanosAt(span, 'startTimeUnixNano'),
    endUnixNano: nanosAt(span, 'endTimeUnixNano'),
    status: statusOf(enumAt(status, 'code', statusNames), textAt(status, 'message')),
    attributes: attributesAt(span, 'attributes', batch),
    events: objectsAt(span, 'events').map((event) => eventOf(event, batch)),
    links: objectsAt(span, 'links').map((link) => linkOf(link, batch)),
    resource,
    scope,
  }
}

function eventOf(event: JsonObject, batch: SpanBatch): StoredEvent {
  batch.countItem()
  return {
    name: textAt(event, 'name'),
    timeUnixNano: nanosAt(event, 'timeUnixNano'),
    attributes: attributesAt(event, 'attributes', batch),
  }
}

function linkOf(link: JsonObject, batch: SpanBatch): StoredLink {
  batch.countItem()
  return {
    traceId: textAt(link, 'traceId').toLowerCase(),
    spanId: textAt(link, 'spanId').toLowerCase(),
    ...traceStateOf(textAt(link, 'traceState')),
    flags: numberAt(link, 'flags'),
    attributes: attributesAt(link, 'attributes', batch),
  }
}
