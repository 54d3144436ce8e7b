import {
  ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENT_IDS,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  SPAN_RUNSPAN_AMENDMENT,
} from '../attributes.ts'
import { agentPartOf, agentSpansOf, type AgentPart } from './agent-part.ts'
import { listAt } from './attribute-values.ts'
import { dispatchOf, type Dispatch } from './dispatch.ts'
import { durationMillisOf } from './duration.ts'
import type { ForeignPart, ForeignWork } from './foreign-parts.ts'
import { isCheckpoint, latestLiveSpan } from './live-spans.ts'
import { partOf, type Gap, type Part } from './part.ts'
import { describeRun, type RunDescription } from './run-description.ts'
import { isMarkedAsRun } from './run-mark.ts'
import { isRunRoot } from './run-root.ts'
import { isSegmentRoot, segmentOf, type Segment } from './segment.ts'
import type { StoredSpan } from './stored-span.ts'
import { noTotals, sumOf, type Totals } from './totals.ts'

/** One run, read back from the spans of its trace. */
export interface RunTree extends RunDescription {
  /** The trace id. */
  readonly runId: string
  /**
   * `agent`: the trace is no run, that of a request for example, and agents that nobody wrapped work in it. The first of
   * them stands as the root, and the totals are those of all of them.
   */
  readonly scope: 'run' | 'agent'
  /** Absent while the run is open, and for ever where its process was lost and had no spool. */
  readonly root: StoredSpan | undefined
  /**
   * When the own totals were written, in nanoseconds since the epoch, where they are those of a checkpoint: the run was
   * open then, its root has not come, and they are not the last.
   */
  readonly checkpointUnixNano: bigint | undefined
  /** Start of the root, else of the first span there is, in nanoseconds since the epoch. */
  readonly startUnixNano: bigint
  /** `undefined` without a root. */
  readonly durationMillis: number | undefined
  /** What the run's own process saw of it, so far where it is open; `undefined` where nothing was reported. */
  readonly ownTotals: Totals | undefined
  /**
   * Own totals, and those of the segments, agents and foreign parts that were counted elsewhere. Linked runs are not in
   * it.
   */
  readonly totals: Totals
  /** What may be missing from the totals; none where they are complete. */
  readonly gaps: readonly Gap[]
  /** Spans of all parts that were open when the numbers were written, and that no amendment has reported. */
  readonly openSpans: number
  /** In the order in which they started. */
  readonly segments: readonly Segment[]
  /** Agents that nobody wrapped, but for roots of runs, and that no other part has counted; in the order of their starts. */
  readonly agents: readonly AgentPart[]
  /**
   * Work that no rollup holds, of services without Runspan: counted by the reader, from its spans. None where only the
   * roots of the run were read, as in lists.
   */
  readonly foreignParts: readonly ForeignPart[]
  /**
   * What of `totals` is theirs; `undefined` where there are none. Less than the sum over them where a caller's rollup
   * holds the same calls already.
   */
  readonly foreignTotals: Totals | undefined
  /** What this run started, in order. */
  readonly dispatches: readonly Dispatch[]
  /** Every span there is, each once, in the order in which they started. */
  readonly spans: readonly StoredSpan[]
}

/**
 * Reads one run. Its totals are the rollup of its root, the rollups of the segments that {@link Segment.isLocal} does
 * not say are in there already, the amendments of all of these, and what no rollup holds: parts that have no span in
 * common.
 *
 * @param spans the spans of the run's trace, each once, in the order in which they started; at least one. What makes an
 *   outline is enough
 * @param foreign what was counted of the trace because no rollup holds it
 */
export function runTreeOf(runId: string, spans: readonly StoredSpan[], foreign?: ForeignWork): RunTree {
  const runRoot = spans.find(isRunRoot)
  const agentSpans = agentSpansOf(spans)
  const scope = runRoot === undefined && agentSpans.length > 0 && !spans.some(isMarkedAsRun) ? 'agent' : 'run'
  const root = scope === 'run' ? runRoot : agentSpans[0]
  const amendments = amendmentsByPart(spans, root)
  const live = root === undefined ? latestLiveSpan(spans) : undefined
  const checkpoint = live !== undefined && isCheckpoint(live) ? live : undefined
  const own = partOf(root, amendments.get(root?.spanId) ?? [], checkpoint)
  const agents = agentSpans.map((span) => agentPartOf(span, amendments.get(span.spanId) ?? []))
  const segments = spans.filter(isSegmentRoot).map((span) => segmentOf(span, amendments.get(span.spanId) ?? []))
  const counted = new Set(
    [root ?? checkpoint, ...segments.map(({ span }) => span)].flatMap((span) => remoteSegmentIdsOf(span)),
  )
  const partIds = new Set([...segments, ...agents].map(({ span }) => span.spanId))
  // An amendment can come before the segment root it belongs to; its numbers are in no other part.
  const orphans = [...amendments].filter(([spanId]) => spanId !== root?.spanId && !partIds.has(spanId!))
  const parts = [
    own,
    ...segments.filter(({ isLocal }) => !isLocal).map((segment) => withoutCounted(segment, counted)),
    ...agents.filter(({ span }) => span !== root),
    ...orphans.map(([, late]) => partOf(undefined, late)),
  ]
  // A trace that is no run is its request's: of that, readers know the agents alone.
  const added = scope === 'run' ? foreign : undefined
  return {
    runId,
    scope,
    root,
    ...describeRun(root ?? live, spans[0]),
    checkpointUnixNano: checkpoint?.endUnixNano,
    startUnixNano: (root ?? spans[0]!).startUnixNano,
    durationMillis: root === undefined ? undefined : durationMillisOf(root),
    ownTotals: own.totals,
    agents,
    totals: sumOf([...parts.map(({ totals }) => totals ?? noTotals), added?.totals ?? noTotals]),
    foreignParts: added?.parts ?? [],
    foreignTotals: added?.totals,
    gaps: [...new Set(parts.flatMap(({ gaps }) => gaps))],
    openSpans: parts.reduce((sum, { openSpans }) => sum + openSpans, 0),
    segments,
    dispatches: spans.map(dispatchOf).filter((dispatch) => dispatch !== undefined),
    spans,
  }
}

/** The segments whose numbers came home into the rollup of another part. */
function remoteSegmentIdsOf(span: StoredSpan | undefined): readonly unknown[] {
  return span === undefined ? [] : listAt(span.attributes, ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENT_IDS)
}

/** What a segment adds beside the rollup that holds it already: its amendments came later. */
function withoutCounted(segment: Segment, counted: ReadonlySet<unknown>): Part {
  return counted.has(segment.span.spanId) ? { ...segment, totals: segment.lateTotals } : segment
}

/** Amendments by the span id of the root they amend; `undefined` is a run's root that has not come. */
function amendmentsByPart(
  spans: readonly StoredSpan[],
  root: StoredSpan | undefined,
): Map<string | undefined, StoredSpan[]> {
  const byPart = new Map<string | undefined, StoredSpan[]>()
  for (const span of spans) {
    if (span.name !== SPAN_RUNSPAN_AMENDMENT || span.parentSpanId === undefined) continue
    const partId = span.attributes[ATTR_RUNSPAN_ROLLUP_SCOPE] === 'run' ? root?.spanId : span.parentSpanId
    const there = byPart.get(partId)
    if (there === undefined) byPart.set(partId, [span])
    else there.push(span)
  }
  return byPart
}
