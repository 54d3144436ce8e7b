import { trace, type Context, type TraceState } from '@opentelemetry/api'

import type { RunEntry } from '../run/run-entry.ts'
import { runOfContext } from '../run/run-context.ts'
import type { RunPart } from '../run/run-part.ts'
import { randomnessOf, randomnessOfTraceId } from './ot-trace-state.ts'

/** The first run of the family that a run or segment belongs to, as far as this process knows; else the run itself. */
export function familyOf(entry: RunEntry): string {
  return (entry as Partial<RunPart>).rootRunId ?? entry.runId
}

/**
 * The randomness that a run which starts is to share with its family, or `undefined` where its own trace id says it:
 * that of a first run, of a segment, and of a run whose family is not known.
 */
export function familyRandomness(entry: RunEntry, context: Context): string | undefined {
  if (entry.joined) return undefined
  const family = familyOf(entry)
  if (family === entry.runId) return undefined
  const enclosing = runOfContext(context)
  const isParent = enclosing !== undefined && enclosing.runId === entry.parentRunId
  return (isParent ? randomnessOf(enclosing.rootContext?.traceState) : undefined) ?? randomnessOfTraceId(family)
}

/**
 * The randomness by which a run or segment that starts is sampled: the same wherever its family is known.
 *
 * @param traceState what a run's root is going to have
 */
export function randomnessOfRoot(
  entry: RunEntry,
  traceId: string,
  traceState: TraceState | undefined,
  context: Context,
): string {
  if (!entry.joined) return randomnessOf(traceState) ?? randomnessOfTraceId(traceId)
  return randomnessOf(trace.getSpanContext(context)?.traceState) ?? randomnessOfTraceId(familyOf(entry))
}
