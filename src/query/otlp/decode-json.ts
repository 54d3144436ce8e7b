import type { StoredEvent, StoredLink, StoredResource, StoredScope, StoredSpan } from '../stored-span.ts'
import { attributesAt } from './json-attributes.ts'
import { enumAt, nanosAt, numberAt, objectAt, objectOf, objectsAt, textAt, type JsonObject } from './json-fields.ts'
import { malformed, OtlpError } from './otlp-error.ts'
import { kindOf, maxItems as defaultMaxItems, parentOf, SpanBatch, statusOf, traceStateOf } from './span-batch.ts'

/** How a body is read that is not quite what OTLP says. */
export interface DecodeJsonOptions {
  /** Spans, attributes, events, links and list elements that are taken. @defaultValue 1_000_000 */
  readonly maxItems?: number | undefined
  /** How ids are written: hex as OTLP's JSON has them, or base64 as protobuf's own JSON has bytes. @defaultValue 'hex' */
  readonly ids?: 'hex' | 'base64' | undefined
}

/** Turns an id of a body into lower-case hex. */
type IdOf = (text: string) => string
/** How ids of each form are read. */
export const idReaders: Readonly<Record<'hex' | 'base64', IdOf>> = {
  hex: (text) => text.toLowerCase(),
  base64: (text) => Buffer.from(text, 'base64').toString('hex'),
}

/**
 * Decodes an `ExportTraceServiceRequest` from OTLP's JSON: ids are hex, 64-bit integers numbers or strings, enums
 * numbers; fields nobody knows are ignored.
 *
 * @throws {@link OtlpError} `malformed` where the text is something else, `too_much` where it is too many things
 */
export function decodeJson(bytes: Uint8Array, options: DecodeJsonOptions = {}): SpanBatch {
  return decodeRequest(parseRequest(bytes, options), new SpanBatch(options.maxItems), idReaders[options.ids ?? 'hex'])
}

/** Parses a body, of whatever signal. @throws {@link OtlpError} */
export function parseRequest(bytes: Uint8Array, { maxItems = defaultMaxItems }: DecodeJsonOptions): JsonObject {
  return objectOf(parseJson(bytes, 4 * maxItems), 'the body')
}

/** Decodes a request that has been parsed: the whole of a body, or a part of one. */
export function decodeRequest(request: JsonObject, batch: SpanBatch, idOf: IdOf = idReaders.hex): SpanBatch {
  for (const resourceSpans of objectsAt(request, 'resourceSpans')) {
    const resource = { attributes: attributesAt(objectAt(resourceSpans, 'resource'), 'attributes', batch) }
    for (const scopeSpans of objectsAt(resourceSpans, 'scopeSpans')) {
      const scope = scopeOf(objectAt(scopeSpans, 'scope'))
      for (const span of objectsAt(scopeSpans, 'spans')) batch.add(spanOf(span, resource, scope, batch, idOf))
    }
  }
  return batch
}

/**
 * Parses JSON with a bound on what comes out.
 *
 * @param maxJsonContainers objects and lists; an item has up to four of them
 * @throws {@link OtlpError}
 */
export function parseJson(bytes: Uint8Array, maxJsonContainers: number): unknown {
  if (hasMoreContainers(bytes, maxJsonContainers)) {
    throw new OtlpError('too_much', `A JSON body may have at most ${maxJsonContainers} objects and lists.`)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw malformed('it is no JSON', error)
  }
}

/** `{}` is three bytes with its comma and thirty times that once parsed, before anything of ours could count it. */
function hasMoreContainers(bytes: Uint8Array, most: number): boolean {
  // Each has a beginning and an end.
  if (bytes.length <= 2 * most) return false
  let containers = 0
  // By index: the iterator of a typed array takes longer than the parser.
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0x7b || bytes[at] === 0x5b) containers++
  return containers > most
}

/** Reads an `InstrumentationScope`. */
export function scopeOf(scope: JsonObject): StoredScope {
  const name = textAt(scope, 'name')
  const version = textAt(scope, 'version')
  return version === '' ? { name } : { name, version }
}

const kindNames = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((n) => `SPAN_KIND_${n}`)
const statusNames = ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`)

function spanOf(
  span: JsonObject,
  resource: StoredResource,
  scope: StoredScope,
  batch: SpanBatch,
  idOf: IdOf,
): StoredSpan {
  batch.countItem()
  const status = objectAt(span, 'status')
  return {
    traceId: idOf(textAt(span, 'traceId')),
    spanId: idOf(textAt(span, 'spanId')),
    ...parentOf(idOf(textAt(span, 'parentSpanId'))),
    ...traceStateOf(textAt(span, 'traceState')),
    flags: numberAt(span, 'flags'),
    name: textAt(span, 'name'),
    kind: kindOf(enumAt(span, 'kind', kindNames)),
    startUnixNano: nanosAt(span, 'startTimeUnixNano'),
    endUnixNano: nanosAt(span, 'endTimeUnixNano'),
    status: statusOf(enumAt(status, 'code', statusNames), textAt(status, 'message')),
    attributes: attributesAt(span, 'attributes', batch),
    events: objectsAt(span, 'events').map((event) => eventOf(event, batch)),
    links: objectsAt(span, 'links').map((link) => linkOf(link, batch, idOf)),
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

function linkOf(link: JsonObject, batch: SpanBatch, idOf: IdOf): StoredLink {
  batch.countItem()
  return {
    traceId: idOf(textAt(link, 'traceId')),
    spanId: idOf(textAt(link, 'spanId')),
    ...traceStateOf(textAt(link, 'traceState')),
    flags: numberAt(link, 'flags'),
    attributes: attributesAt(link, 'attributes', batch),
  }
}
