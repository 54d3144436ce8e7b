import { SPAN_RUNSPAN_CHECKPOINT, SPAN_RUNSPAN_STARTED } from '../attributes.ts'
import type { StoredSpan } from './stored-span.ts'

/** Whether a span only says that its run was open when it was written: no work, and no step of the run. */
export function isLiveSpan({ name, parentSpanId }: StoredSpan): boolean {
  return parentSpanId !== undefined && (name === SPAN_RUNSPAN_STARTED || name === SPAN_RUNSPAN_CHECKPOINT)
}

/** The newest of them: it says who runs and for what, and the newest checkpoint how far the run has come. */
export function latestLiveSpan(spans: readonly StoredSpan[]): StoredSpan | undefined {
  let latest: StoredSpan | undefined
  for (const span of spans) {
    if (isLiveSpan(span) && (latest === undefined || isNewer(span, latest))) latest = span
  }
  return latest
}

/** A checkpoint says all that a start marker does. */
function isNewer(span: StoredSpan, other: StoredSpan): boolean {
  if (isCheckpoint(span) !== isCheckpoint(other)) return isCheckpoint(span)
  return span.endUnixNano > other.endUnixNano
}

export function isCheckpoint({ name }: StoredSpan): boolean {
  return name === SPAN_RUNSPAN_CHECKPOINT
}
