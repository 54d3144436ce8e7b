import { createTraceState, type TraceState } from '@opentelemetry/api'

/** The `tracestate` member of OpenTelemetry's own concerns: `key:value` pairs with `;` between them. */
const otKey = 'ot'
/** Explicit randomness: 56 bits as 14 hex digits, in place of the low 56 bits of the trace id. */
const randomnessPattern = /(?:^|;)rv:([0-9a-f]{14})(?:;|$)/

/**
 * The randomness that a trace says it has (OpenTelemetry, "TraceState: Probability Sampling", `rv`), as 14 hex digits,
 * or `undefined` where it leaves that to its trace id.
 */
export function randomnessOf(traceState: TraceState | undefined): string | undefined {
  const member = traceState?.get(otKey)
  return member === undefined ? undefined : randomnessPattern.exec(member)?.[1]
}

/**
 * A trace state with that randomness. One that has an `ot` member stays as it is: whoever wrote it has decided by
 * another randomness already, and its threshold would no longer fit.
 */
export function withRandomness(traceState: TraceState | undefined, randomness: string): TraceState | undefined {
  if (traceState?.get(otKey) !== undefined) return traceState
  return (traceState ?? createTraceState()).set(otKey, `rv:${randomness}`)
}

/** The randomness of a trace that does not say: the low 56 bits of its id, as W3C Trace Context level 2 has it. */
export function randomnessOfTraceId(traceId: string): string {
  return traceId.slice(-14)
}

/**
 * What a randomness must reach for a trace to be kept: of all values that share is at or above it. `undefined`: none is.
 *
 * Hex digits of one length compare as the numbers do.
 */
export function thresholdOf(ratio: number): string | undefined {
  const rejected = Math.round((1 - ratio) * 2 ** 56)
  return rejected >= 2 ** 56 ? undefined : BigInt(rejected).toString(16).padStart(14, '0')
}
