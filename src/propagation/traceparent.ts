import type { SpanContext } from '@opentelemetry/api'

/** What a `traceparent` header says (W3C Trace Context §3.2). */
export interface Traceparent {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}

// Version ff is forbidden; a later version may append fields after the flags, version 00 may not.
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** The ids and flags of a `traceparent`, or `undefined` where it is malformed. */
export function parseTraceparent(header: string): Traceparent | undefined {
  const match = pattern.exec(header.trim())
  if (match === null) return undefined
  const [, version, traceId, spanId, flags, rest] = match
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) }
}

/** The `traceparent` header of a span context. */
export function formatTraceparent(context: Pick<SpanContext, 'traceId' | 'spanId' | 'traceFlags'>): string {
  return `00-${context.traceId}-${context.spanId}-${(context.traceFlags & 0xff).toString(16).padStart(2, '0')}`
}
