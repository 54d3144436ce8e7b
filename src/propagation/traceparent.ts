import type { SpanContext } from '@opentelemetry/api'

/** What a `traceparent` header says (W3C Trace Context §3.2). */
export interface Traceparent {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}

/** Longest `traceparent` that is looked at: version 00 has 55 characters, a later one may append. */
const maxLength = 256
/** Flags that we know: sampled, and random of level 2. Others are not passed on (W3C Trace Context §3.2.2.5). */
const knownFlags = 0x03

// Version ff is forbidden; a later version may append fields after the flags, version 00 may not. A comma would be
// the seam between two headers.
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[^,\s]*)?$/

/** The ids and flags of a `traceparent`, or `undefined` where it is malformed. */
export function parseTraceparent(header: string): Traceparent | undefined {
  const match = header.length > maxLength ? null : pattern.exec(header.trim())
  if (match === null) return undefined
  const [, version, traceId, spanId, flags, rest] = match
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) & knownFlags }
}

/** The `traceparent` header of a span context. */
export function formatTraceparent(context: Pick<SpanContext, 'traceId' | 'spanId' | 'traceFlags'>): string {
  return `00-${context.traceId}-${context.spanId}-0${context.traceFlags & knownFlags}`
}
