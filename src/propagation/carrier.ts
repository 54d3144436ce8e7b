/**
 * What a run context is read from, whatever brought it: fetch `Headers`, a request (its `headers` are read), Node's
 * `req.headers`, a record of strings or of Buffers, a `Map`, NATS headers, tuples, SQS message attributes, a queue's
 * job data, MCP's `params._meta`, `process.env`, or a ref itself. Names count in any case.
 */
export type Carrier = object

/** The fields that are read: those of W3C Trace Context and W3C Baggage, and the totals of a reply. */
export type CarrierField = 'traceparent' | 'tracestate' | 'baggage' | 'runspan-totals'

/**
 * One field of a carrier as text. A field that is there more than once is joined by commas, as HTTP does: several
 * `tracestate` are one list (W3C Trace Context §3.3), and several `traceparent` make none that could be read.
 */
export function readField(carrier: Carrier, name: CarrierField): string | undefined {
  if (isHeaders(carrier)) return carrier.get(name) ?? undefined
  const found = isIterable(carrier) ? readEntries(carrier, name) : readRecord(carrier, name)
  return found ?? readNested(carrier, name)
}

/** By its tag: the mere mention of `Headers` has Node load all of fetch, in services that never use it. */
function isHeaders(carrier: object): carrier is Headers {
  const { [Symbol.toStringTag]: tag, get } = carrier as { [Symbol.toStringTag]?: unknown; get?: unknown }
  return tag === 'Headers' && typeof get === 'function'
}

function readRecord(record: object, name: CarrierField): string | undefined {
  let found: string | undefined
  for (const key of Object.keys(record)) {
    if (isNamed(key, name)) found = joined(found, (record as Readonly<Record<string, unknown>>)[key])
  }
  return found
}

/** Tuples, as `Map`, NATS and fetch-like headers hand out; or one record per header, as node-rdkafka has them. */
function readEntries(entries: Iterable<unknown>, name: CarrierField): string | undefined {
  let found: string | undefined
  for (const entry of entries) {
    if (Array.isArray(entry)) {
      if (isNamed(entry[0], name)) found = joined(found, entry[1])
    } else if (typeof entry === 'object' && entry !== null) {
      const text = readRecord(entry, name)
      if (text !== undefined) found = joined(found, text)
    }
  }
  return found
}

/** An outgoing message of Node's keeps its headers behind a method; requests and messages have them in a field. */
function readNested(carrier: object, name: CarrierField): string | undefined {
  const { getHeader, headers } = carrier as { getHeader?: unknown; headers?: unknown }
  if (typeof getHeader === 'function') return joined(undefined, Reflect.apply(getHeader, carrier, [name]))
  if (typeof headers !== 'object' || headers === null || headers instanceof Uint8Array) return undefined
  if (isHeaders(headers)) return headers.get(name) ?? undefined
  return isIterable(headers) ? readEntries(headers, name) : readRecord(headers, name)
}

export function isIterable(value: object): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
}

export function isNamed(key: unknown, name: string): boolean {
  return typeof key === 'string' && key.length === name.length && key.toLowerCase() === name
}

function joined(before: string | undefined, value: unknown): string | undefined {
  const text = textOfValue(value)
  return before === undefined || text === undefined ? (text ?? before) : `${before},${text}`
}

/** Longest value that is decoded from bytes: what is longer is no header of W3C's. */
const maxBytes = 8192

/** The text of a value: strings, lists of them, the bytes of Kafka and AMQP, and the attributes of SQS and SNS. */
function textOfValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Uint8Array) return value.length <= maxBytes ? new TextDecoder().decode(value) : undefined
  if (Array.isArray(value)) {
    return value.reduce<string | undefined>(
      (before, item) => (Array.isArray(item) ? before : joined(before, item)),
      undefined,
    )
  }
  // SQS names it StringValue, its events in Lambda stringValue, and a message that came through SNS Value.
  const { StringValue, stringValue, Value } = value as Readonly<Record<string, unknown>>
  const text = StringValue ?? stringValue ?? Value
  return typeof text === 'string' ? text : undefined
}
