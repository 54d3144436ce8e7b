import { setTimeout as delay } from 'node:timers/promises'

/** What an OTLP attribute holds, as JavaScript. Integers beyond 2^53 lose digits: a test's helper, not a reader. */
export type StoredValue = string | number | boolean | StoredValue[] | { [key: string]: StoredValue } | undefined

/** One span as a store gave it back, with hex ids. */
export interface StoredSpan {
  readonly traceId: string
  readonly spanId: string
  /** `undefined` on a root. */
  readonly parentSpanId: string | undefined
  readonly name: string
  /** OTLP's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly startUnixNano: bigint
  readonly endUnixNano: bigint
  /** OTLP's number: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number
  readonly statusMessage: string
  readonly attributes: Readonly<Record<string, StoredValue>>
  /** The attributes of the resource: `service.name` and the like. */
  readonly resource: Readonly<Record<string, StoredValue>>
  readonly scopeName: string
  readonly events: readonly StoredEvent[]
  readonly links: readonly StoredLink[]
}

export interface StoredEvent {
  readonly name: string
  readonly timeUnixNano: bigint
  readonly attributes: Readonly<Record<string, StoredValue>>
}

export interface StoredLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: Readonly<Record<string, StoredValue>>
}

export interface WaitForTraceOptions {
  /**
   * True when all that the test waits for is there. Spans arrive in several batches, so the first answer may hold a part.
   *
   * @defaultValue the first span will do
   */
  until?: ((spans: StoredSpan[]) => boolean) | undefined
  /**
   * How long to go on asking, in milliseconds.
   *
   * @defaultValue 15_000
   */
  timeoutMillis?: number | undefined
}

/**
 * Reads one trace over Jaeger's `/api/v3`.
 *
 * @param queryUrl base address of the query API, as `startJaeger` returns it
 * @param traceId 32 hex digits, or a dashed UUID
 * @returns the spans in the order of their start, or `undefined` when Jaeger knows no such trace
 */
export async function fetchTrace(queryUrl: string, traceId: string): Promise<StoredSpan[] | undefined> {
  // Jaeger takes no dashes.
  const url = `${queryUrl}/api/v3/traces/${traceId.replaceAll('-', '').toLowerCase()}`
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  if (response.status === 404) {
    await response.body?.cancel()
    return undefined
  }
  if (!response.ok) throw new Error(`Failed to read ${url}: ${response.status} ${await response.text()}`)
  const answer: TraceAnswer = JSON.parse(await response.text())
  return spansOf(answer)
}

/**
 * Asks again and again until a trace is complete.
 *
 * @throws Error that names the spans seen last, when time is up.
 */
export async function waitForTrace(
  queryUrl: string,
  traceId: string,
  { until = (spans) => spans.length > 0, timeoutMillis = 15_000 }: WaitForTraceOptions = {},
): Promise<StoredSpan[]> {
  const deadlineMillis = Date.now() + timeoutMillis
  let seen: StoredSpan[] | undefined
  do {
    seen = await fetchTrace(queryUrl, traceId)
    if (seen && until(seen)) return seen
    await delay(100)
  } while (Date.now() < deadlineMillis)
  const spans = seen ? `these spans: ${seen.map((span) => span.name).join(', ')}` : 'nothing'
  throw new Error(`Failed to read the whole of trace ${traceId} in ${timeoutMillis} ms: Jaeger has ${spans}.`)
}

function spansOf({ result }: TraceAnswer): StoredSpan[] {
  return result.resourceSpans
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) =>
        spans.map((span) => storedSpan(span, attributesOf(resource?.attributes), scope?.name ?? '')),
      ),
    )
    .toSorted((a, b) => (a.startUnixNano < b.startUnixNano ? -1 : a.startUnixNano > b.startUnixNano ? 1 : 0))
}

function storedSpan(span: OtlpSpan, resource: Record<string, StoredValue>, scopeName: string): StoredSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    name: span.name,
    kind: span.kind ?? 0,
    startUnixNano: BigInt(span.startTimeUnixNano),
    endUnixNano: BigInt(span.endTimeUnixNano),
    statusCode: span.status?.code ?? 0,
    statusMessage: span.status?.message ?? '',
    attributes: attributesOf(span.attributes),
    resource,
    scopeName,
    events: (span.events ?? []).map(({ name, timeUnixNano, attributes }) => ({
      name,
      timeUnixNano: BigInt(timeUnixNano),
      attributes: attributesOf(attributes),
    })),
    links: (span.links ?? []).map(({ traceId, spanId, attributes }) => ({
      traceId,
      spanId,
      attributes: attributesOf(attributes),
    })),
  }
}

function attributesOf(attributes: readonly OtlpAttribute[] = []): Record<string, StoredValue> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]))
}

function valueOf(value: OtlpValue = {}): StoredValue {
  if (value.intValue !== undefined) return Number(value.intValue)
  if (value.doubleValue !== undefined) return Number(value.doubleValue)
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(valueOf)
  if (value.kvlistValue) return attributesOf(value.kvlistValue.values)
  return value.stringValue ?? value.boolValue ?? value.bytesValue
}

interface TraceAnswer {
  result: {
    resourceSpans: {
      resource?: { attributes?: OtlpAttribute[] }
      scopeSpans: { scope?: { name?: string }; spans: OtlpSpan[] }[]
    }[]
  }
}

interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind?: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  status?: { code?: number; message?: string }
  attributes?: OtlpAttribute[]
  events?: { name: string; timeUnixNano: string; attributes?: OtlpAttribute[] }[]
  links?: { traceId: string; spanId: string; attributes?: OtlpAttribute[] }[]
}

interface OtlpAttribute {
  key: string
  value?: OtlpValue
}

/** 64-bit integers are strings in JSON. */
interface OtlpValue {
  stringValue?: string
  boolValue?: boolean
  intValue?: string | number
  doubleValue?: number | string
  bytesValue?: string
  arrayValue?: { values?: OtlpValue[] }
  kvlistValue?: { values?: OtlpAttribute[] }
}
