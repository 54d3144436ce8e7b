import { SPAN_RUNSPAN_AMENDMENT } from '../attributes.ts'
import type { ForeignWork } from './foreign-parts.ts'
import type { ListedRun, RunFlag, StoredRun } from './run-reader.ts'
import { runTreeOf, type RunTree } from './run-tree.ts'
import type { StoredTrace, TraceOutline } from './span-source.ts'
import type { StoredSpan } from './stored-span.ts'

/** A run as lists have it. */
export function listedRunOf(trace: TraceOutline): ListedRun {
  const {
    root,
    segments: _segments,
    agents: _agents,
    foreignParts: _foreignParts,
    foreignTotals: _foreignTotals,
    dispatches: _dispatches,
    spans: _spans,
    ...about
  } = runTreeOf(trace.traceId, trace.outline)
  return { ...about, flags: flagsOf(trace, root, about.scope) }
}

/** A run with its spans, and what was counted of it because no rollup holds it. */
export function storedRunOf(
  trace: StoredTrace,
  foundBy: StoredRun['foundBy'],
  foreign: ForeignWork | undefined,
): StoredRun {
  const { traceId, outline, spans, spanCount } = trace
  const tree = runTreeOf(traceId, outline, foreign)
  const hasMoreSpans = spanCount > spans.length
  const flags = flagsOf(trace, tree.root, tree.scope)
  if (!hasMoreSpans && hasOrphans(spans)) flags.push('spans_missing')
  if (foreign?.isCut === true) flags.push('cut')
  return { ...tree, spans, foundBy, spanCount, hasMoreSpans, flags }
}

function flagsOf(
  { outline, lastEndUnixNano, isMarked, isTruncated, isEvicted }: TraceOutline,
  root: StoredSpan | undefined,
  scope: RunTree['scope'],
): RunFlag[] {
  const flags: RunFlag[] = []
  if (root === undefined) flags.push('root_not_received')
  else if (
    // Around an agent that is no run its trace goes on.
    (scope === 'run' && lastEndUnixNano > root.endUnixNano + blurOf(root)) ||
    outline.some(({ name }) => name === SPAN_RUNSPAN_AMENDMENT)
  ) {
    flags.push('late_spans')
  }
  if (isTruncated) flags.push('truncated')
  if (isEvicted) flags.push('evicted')
  if (!isMarked) flags.push('unmarked')
  return flags
}

/**
 * How far apart the ends of two spans may be said to be that ended at once. The SDK takes each start from the wall clock, in
 * whole milliseconds, and adds what a steady clock has measured since. A pause between the two readings shifts a span, and
 * the clocks drift apart over a long run. What is late in the run's own process has an amendment, whenever it ended.
 */
function blurOf({ startUnixNano, endUnixNano }: StoredSpan): bigint {
  return 10_000_000n + (endUnixNano - startUnixNano) / 10_000n
}

function hasOrphans(spans: readonly StoredSpan[]): boolean {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  return spans.some(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))
}
