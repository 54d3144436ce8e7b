import { SPAN_RUNSPAN_AMENDMENT } from '../attributes.ts'
import { isAdopted } from './agent-part.ts'
import { dispatchOf } from './dispatch.ts'
import { foreignWorkOf, type ForeignWork } from './foreign-parts.ts'
import { isLiveSpan } from './live-spans.ts'
import { isRunRoot } from './run-root.ts'
import { isOfRun } from './run-trees.ts'
import { isSegmentRoot } from './segment.ts'
import type { StoredTrace } from './span-source.ts'
import type { StoredSpan } from './stored-span.ts'

/** Whether a span is one that a run's numbers and relations are read from. */
export function isOutlineSpan(span: StoredSpan): boolean {
  return (
    isRunRoot(span) ||
    isAdopted(span) ||
    isSegmentRoot(span) ||
    span.name === SPAN_RUNSPAN_AMENDMENT ||
    isLiveSpan(span) ||
    dispatchOf(span) !== undefined
  )
}

/**
 * What a store has of a trace, from all of its spans.
 *
 * @param spans each once, in the order in which they started; at least one
 */
export function storedTraceOf(
  traceId: string,
  spans: readonly StoredSpan[],
  maxSpans: number = spans.length,
  isTruncated = false,
): StoredTrace {
  const outline: StoredSpan[] = []
  let lastEndUnixNano = 0n
  let isMarked = false
  for (const [at, span] of spans.entries()) {
    if (at === 0 || isOutlineSpan(span)) outline.push(span)
    if (span.endUnixNano > lastEndUnixNano) lastEndUnixNano = span.endUnixNano
    isMarked ||= isOfRun(span)
  }
  return {
    traceId,
    outline,
    lastEndUnixNano,
    isMarked,
    isTruncated,
    isEvicted: false,
    foreignWork: once(() => foreignWorkOf(spans)),
    spans: maxSpans >= spans.length ? spans : spans.slice(0, maxSpans),
    spanCount: spans.length,
  }
}

/** Lists never ask, and runs in memory are read often. */
function once(count: () => ForeignWork | undefined): () => ForeignWork | undefined {
  let counted: { readonly work: ForeignWork | undefined } | undefined
  return () => (counted ??= { work: count() }).work
}
