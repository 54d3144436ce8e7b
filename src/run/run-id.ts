import { TraceFlags, type SpanContext } from '@opentelemetry/api'

import { flatTail } from '../internal/flat-tail.ts'
import { randomHex16, randomHex32 } from '../internal/random-hex.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'

const traceIdPattern = /^[0-9a-f]{32}$/
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const zeroTraceId = '0'.repeat(32)
const zeroSpanId = '0'.repeat(16)
/** The first digit, looked at before the others: comparing whole strings is dear, and one in sixteen is left to compare. */
const zero = 0x30

function isZero(spanId: string): boolean {
  return spanId.charCodeAt(0) === zero && spanId === zeroSpanId
}

/**
 * Mints a run id: 32 lower-case hex digits, a valid W3C trace id that is random throughout, as trace-context level 2
 * asks of the low 56 bits.
 */
export function newRunId(): string {
  for (;;) {
    const runId = randomHex32()
    if (runId.charCodeAt(16) !== zero || !runId.endsWith(zeroSpanId)) return runId
  }
}

/** The run id in its one form, or `undefined` where `text` is neither 32 hex digits nor a dashed UUID. */
export function normaliseRunId(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const lower = text.trim().toLowerCase()
  const runId = uuidPattern.test(lower) ? lower.replaceAll('-', '') : lower
  return traceIdPattern.test(runId) && runId !== zeroTraceId ? runId : undefined
}

/**
 * The root span's id of a run: the low 64 bits of its trace id, so that a bare run id names a whole span context. Where
 * those are zero the root's id is random, and `undefined` comes back.
 */
export function rootSpanIdOf(runId: string): string | undefined {
  const spanId = flatTail(runId)
  return isZero(spanId) ? undefined : spanId
}

/** The root span's context of a run known by its id alone: remote, and taken as sampled. */
export function rootSpanContextOf(runId: string): SpanContext | undefined {
  const spanId = rootSpanIdOf(runId)
  if (spanId === undefined) return undefined
  return { traceId: runId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true, traceState: runTraceState(runId) }
}

/** A span id that is not zero. */
export function newSpanId(): string {
  for (;;) {
    const spanId = randomHex16()
    if (!isZero(spanId)) return spanId
  }
}
