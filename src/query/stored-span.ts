/**
 * A span as it comes back from where spans are sent: an OTLP request, a store, a backend. Everything that reads runs is
 * written against it, whoever delivered the span.
 */
export interface StoredSpan {
  /** 32 lower-case hex digits. In a run's trace, the run id. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  /** 16 lower-case hex digits; absent on the root of a trace. */
  readonly parentSpanId?: string
  /** W3C `tracestate`, as it was sent. */
  readonly traceState?: string
  /** Bits 0–7: W3C trace flags. Bits 8 and 9: whether the parent is known to be remote, and is. */
  readonly flags: number
  readonly name: string
  readonly kind: StoredSpanKind
  /** Nanoseconds since the epoch. */
  readonly startUnixNano: bigint
  /** Nanoseconds since the epoch. */
  readonly endUnixNano: bigint
  readonly status: StoredStatus
  readonly attributes: StoredAttributes
  /** In the order in which they were sent. */
  readonly events: readonly StoredEvent[]
  /** In the order in which they were sent. Some backends drop links, so nothing may depend on them alone. */
  readonly links: readonly StoredLink[]
  /** Who made the span. Spans of one request share the object. */
  readonly resource: StoredResource
  readonly scope: StoredScope
}

/**
 * What a span stands for in its trace. Names, because the API's numbers and the wire's differ by one.
 */
export type StoredSpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** How a span went, as OpenTelemetry says it. */
export interface StoredStatus {
  readonly code: 'unset' | 'ok' | 'error'
  readonly message?: string
}

/**
 * An attribute's value. An int64 is a number where that is exact and a bigint beyond; bytes are a copy of their own.
 * `null` is a value that was sent empty: JavaScript's exporter sends NaN so.
 */
export type StoredValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly StoredValue[]
  | { readonly [key: string]: StoredValue }

/** Attributes by key. Where a key was sent twice, the last one. */
export type StoredAttributes = Readonly<Record<string, StoredValue>>

/** A moment inside a span. */
export interface StoredEvent {
  readonly name: string
  /** Nanoseconds since the epoch. */
  readonly timeUnixNano: bigint
  readonly attributes: StoredAttributes
}

/** A reference to another span, usually of another trace. */
export interface StoredLink {
  /** Lower-case hex, 32 digits where the sender was correct. */
  readonly traceId: string
  /** Lower-case hex, 16 digits where the sender was correct. */
  readonly spanId: string
  readonly traceState?: string
  readonly flags: number
  readonly attributes: StoredAttributes
}

/** The process or service that made spans. */
export interface StoredResource {
  readonly attributes: StoredAttributes
}

/** The library that made a span. */
export interface StoredScope {
  readonly name: string
  readonly version?: string
}
