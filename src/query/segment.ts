import { ATTR_RUNSPAN_SEGMENT, ATTR_RUNSPAN_SEGMENT_LOCAL } from '../attributes.ts'
import { isSetAt } from './attribute-values.ts'
import { durationMillisOf } from './duration.ts'
import { partOf, type Part } from './part.ts'
import { serviceOf } from './service-of.ts'
import type { StoredSpan } from './stored-span.ts'

/** Joined work: a part of a run that was done by another service, worker or caller. */
export interface Segment extends Part {
  /** The segment's root span. */
  readonly span: StoredSpan
  /** Who did the work, where the span's resource says so. */
  readonly service: string | undefined
  /**
   * True where the numbers are in the run's own totals already, and must not be added to them.
   *
   * Only the process that did the work can know it, and says so with `runspan.segment.local`: the run was open there
   * when the work was joined, so the run's tally counted it too. The resources of the two roots do not tell. A process
   * that joins a run which it has handed off, or one that has ended, has the resource of the run's root and still counts
   * the segment apart. Taking "same process" for "counted already" would lose exactly the work of a queue's consumer
   * that joins a job and then ends it.
   */
  readonly isLocal: boolean
  readonly durationMillis: number
}

/** Whether a span is the root of a segment. */
export function isSegmentRoot(span: StoredSpan): boolean {
  return isSetAt(span.attributes, ATTR_RUNSPAN_SEGMENT)
}

/** Reads a segment from its root and its amendments. */
export function segmentOf(span: StoredSpan, amendments: readonly StoredSpan[]): Segment {
  return {
    ...partOf(span, amendments),
    span,
    service: serviceOf(span),
    isLocal: isSetAt(span.attributes, ATTR_RUNSPAN_SEGMENT_LOCAL),
    durationMillis: durationMillisOf(span),
  }
}
