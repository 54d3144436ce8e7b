import { ATTR_RUNSPAN_RUN_ID } from '../attributes.ts'
import type { StoredSpan } from './stored-span.ts'

/** Whether a span marks its trace as a run: it says so, or its trace state does, which before the root comes is often all. */
export function isMarkedAsRun({ traceState, traceId, attributes }: StoredSpan): boolean {
  if (ATTR_RUNSPAN_RUN_ID in attributes) return true
  if (traceState === undefined) return false
  const mark = `runspan=${traceId.slice(16)}`
  return traceState.split(',').some((member) => member.trim() === mark)
}
