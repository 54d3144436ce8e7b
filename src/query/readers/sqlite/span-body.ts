import type {
  StoredAttributes,
  StoredEvent,
  StoredLink,
  StoredResource,
  StoredScope,
  StoredSpan,
  StoredSpanKind,
  StoredStatus,
  StoredValue,
} from '../../stored-span.ts'

/** A span without what has columns of its own. Lists, because names of fields would be most of a body. */
type Body = readonly [
  name: string,
  kind: StoredSpanKind,
  code: StoredStatus['code'],
  message: string | null,
  flags: number,
  traceState: string | null,
  parentSpanId: string | null,
  attributes: StoredAttributes,
  events: readonly (readonly [name: string, timeUnixNano: string, attributes: StoredAttributes])[],
  links: readonly (readonly [
    traceId: string,
    spanId: string,
    traceState: string | null,
    flags: number,
    attributes: StoredAttributes,
  ])[],
]

/** Marks a body in which values stand that JSON does not have. */
const taggedMark = '!'
/** Keys of the objects that stand for them. No attribute begins with a control character. */
const tags = { bigint: '\u0001bigint', bytes: '\u0001bytes', number: '\u0001number' } as const

/** Writes a span's body. */
export function writeBody(span: StoredSpan): string {
  const { name, kind, status, flags, traceState, parentSpanId, attributes, events, links } = span
  const body: Body = [
    name,
    kind,
    status.code,
    status.message ?? null,
    flags,
    traceState ?? null,
    parentSpanId ?? null,
    attributes,
    events.map((event) => [event.name, String(event.timeUnixNano), event.attributes]),
    links.map((link) => [link.traceId, link.spanId, link.traceState ?? null, link.flags, link.attributes]),
  ]
  return isPlainSpan(span) ? JSON.stringify(body) : taggedMark + JSON.stringify(body, replaceOdd)
}

/** Writes what made a span: many spans have the same. */
export function writeOrigin(resource: StoredResource, scope: StoredScope): string {
  const origin = [resource.attributes, scope.name, scope.version ?? null]
  return isPlain(resource.attributes) ? JSON.stringify(origin) : taggedMark + JSON.stringify(origin, replaceOdd)
}

/** Reads what {@link writeOrigin} wrote. */
export function readOrigin(text: string): { readonly resource: StoredResource; readonly scope: StoredScope } {
  const [attributes, name, version] = parse(text) as [StoredAttributes, string, string | null]
  return { resource: { attributes }, scope: version === null ? { name } : { name, version } }
}

/** What a row has beside the body. */
export interface SpanRow {
  readonly traceId: string
  readonly spanId: string
  readonly startUnixNano: bigint
  readonly endUnixNano: bigint
}

/** Reads what {@link writeBody} wrote. */
export function readBody(
  text: string,
  row: SpanRow,
  origin: { readonly resource: StoredResource; readonly scope: StoredScope },
): StoredSpan {
  const [name, kind, code, message, flags, traceState, parentSpanId, attributes, events, links] = parse(text) as Body
  return {
    traceId: row.traceId,
    spanId: row.spanId,
    ...(parentSpanId === null ? undefined : { parentSpanId }),
    ...(traceState === null ? undefined : { traceState }),
    flags,
    name,
    kind,
    startUnixNano: row.startUnixNano,
    endUnixNano: row.endUnixNano,
    status: message === null ? { code } : { code, message },
    attributes,
    events: events.map(readEvent),
    links: links.map(readLink),
    resource: origin.resource,
    scope: origin.scope,
  }
}

function readEvent([name, time, attributes]: Body[8][number]): StoredEvent {
  return { name, timeUnixNano: BigInt(time), attributes }
}

function readLink([traceId, spanId, traceState, flags, attributes]: Body[9][number]): StoredLink {
  return traceState === null
    ? { traceId, spanId, flags, attributes }
    : { traceId, spanId, traceState, flags, attributes }
}

function isPlainSpan({ attributes, events, links }: StoredSpan): boolean {
  return (
    isPlain(attributes) &&
    events.every((event) => isPlain(event.attributes)) &&
    links.every((link) => isPlain(link.attributes))
  )
}

/** Whether JSON says all of it. A map might have a key that means something here, so none is plain. */
function isPlain(attributes: StoredAttributes): boolean {
  for (const key in attributes) {
    const value = attributes[key]!
    if (!(Array.isArray(value) ? value.every(isPlainValue) : isPlainValue(value))) return false
  }
  return true
}

function isPlainValue(value: StoredValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return typeof value === 'string' || typeof value === 'boolean' || value === null
}

function replaceOdd(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { [tags.bigint]: String(value) }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { [tags.number]: Object.is(value, -0) ? '-0' : String(value) }
  }
  if (value instanceof Uint8Array) return { [tags.bytes]: Buffer.from(value).toString('base64') }
  return value
}

function parse(text: string): unknown {
  return text.startsWith(taggedMark) ? JSON.parse(text.slice(1), reviveOdd) : JSON.parse(text)
}

function reviveOdd(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const odd = value as Record<string, string>
  if (tags.bigint in odd) return BigInt(odd[tags.bigint]!)
  if (tags.number in odd) return Number(odd[tags.number])
  if (tags.bytes in odd) return Uint8Array.from(Buffer.from(odd[tags.bytes]!, 'base64'))
  return value
}
