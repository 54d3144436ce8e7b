import type { Span } from '@opentelemetry/api'

import { millisOf } from '../internal/hr-time.ts'

/** When a span started, in milliseconds since the epoch, where it says so: the SDK's do, as seconds and nanoseconds. */
export function startUnixMillisOf(span: Span): number | undefined {
  const time = (span as { startTime?: readonly [number, number] }).startTime
  return Array.isArray(time) ? millisOf(time as [number, number]) : undefined
}

/** The same in nanoseconds, exact, as a decimal string. */
export function startUnixNanoOf(span: Span): string | undefined {
  const time = (span as { startTime?: readonly [number, number] }).startTime
  if (!Array.isArray(time)) return undefined
  return String(BigInt(time[0]) * 1_000_000_000n + BigInt(Math.round(time[1])))
}

/** How long a span took, where it says so. */
export function durationMillisOf(span: Span): number | undefined {
  const duration = (span as { duration?: readonly [number, number] }).duration
  if (!Array.isArray(duration) || !(duration[0] >= 0)) return undefined
  return millisOf(duration as [number, number])
}
