import type { StoredAttributes, StoredSpan, StoredValue } from '../../src/query/stored-span.ts'

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const codes = ['unset', 'ok', 'error']

/** Spans as the body of an OTLP/HTTP request in JSON. */
export function otlpJson(spans: readonly StoredSpan[]): string {
  return JSON.stringify({
    resourceSpans: spans.map((span) => ({
      resource: { attributes: pairs(span.resource.attributes) },
      scopeSpans: [{ scope: { name: span.scope.name }, spans: [spanJson(span)] }],
    })),
  })
}

function spanJson(span: StoredSpan): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    traceState: span.traceState,
    flags: span.flags,
    name: span.name,
    kind: kinds.indexOf(span.kind),
    startTimeUnixNano: String(span.startUnixNano),
    endTimeUnixNano: String(span.endUnixNano),
    status: { code: codes.indexOf(span.status.code), message: span.status.message },
    attributes: pairs(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: String(event.timeUnixNano),
      attributes: pairs(event.attributes),
    })),
    links: span.links.map((link) => ({ ...link, attributes: pairs(link.attributes) })),
  }
}

function pairs(attributes: StoredAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: StoredValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: String(value) }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (value === null) return {}
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  return { kvlistValue: { values: pairs(value as StoredAttributes) } }
}
