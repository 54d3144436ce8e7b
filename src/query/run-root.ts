import { ATTR_RUNSPAN_RUN_ID } from '../attributes.ts'
import { isAdopted } from './agent-part.ts'
import { isSegmentRoot } from './segment.ts'
import type { StoredSpan } from './stored-span.ts'

/** A run's root: INTERNAL, or a framework's span of any kind; without a parent, with the run id, and no segment. */
export function isRunRoot(span: StoredSpan): boolean {
  return (
    span.parentSpanId === undefined &&
    (span.kind === 'internal' || isAdopted(span)) &&
    ATTR_RUNSPAN_RUN_ID in span.attributes &&
    !isSegmentRoot(span)
  )
}
