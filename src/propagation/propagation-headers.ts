import { context, isSpanContextValid, trace } from '@opentelemetry/api'

import { currentPart } from '../run/run-context.ts'
import { formatTraceparent } from './traceparent.ts'
import { traceStateHeader } from './run-trace-state.ts'

/**
 * The headers that carry the current run to another service: `traceparent`, and `tracestate` with the `runspan` member
 * that marks it as a run. `{}` outside a run, and where nothing is recorded, so that spreading it is always safe.
 *
 * Beside the official HTTP instrumentations it is not needed: they send the same two headers.
 */
export function propagationHeaders(): Record<string, string> {
  const part = currentPart()
  if (part === undefined) return {}
  const root = part.rootContext
  if (root === undefined) return {}
  const active = trace.getSpanContext(context.active())
  const from = active !== undefined && isSpanContextValid(active) && active.traceId === part.runId ? active : root
  // What the other service does is not in this process's sums.
  part.tally?.markIncomplete()
  return {
    traceparent: formatTraceparent(from),
    tracestate: traceStateHeader(from.traceState, part.runId),
  }
}
