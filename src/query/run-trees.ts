import {
  ATTR_RUNSPAN_CHILD_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_ID,
} from '../attributes.ts'
import { isAdopted } from './agent-part.ts'
import { textAt } from './attribute-values.ts'
import { foreignWorkOf, type ForeignWork } from './foreign-parts.ts'
import { runKeyOf } from './run-key.ts'
import { isMarkedAsRun } from './run-mark.ts'
import { runTreeOf, type RunTree } from './run-tree.ts'
import { spansByTrace } from './spans-by-trace.ts'
import type { StoredSpan } from './stored-span.ts'

/**
 * Reads every run that a bag of spans holds, one per trace, in the order in which they started. Traces that are no runs
 * are left out, unless agents work in them that nobody wrapped.
 */
export function runTreesOf(spans: Iterable<StoredSpan>): readonly RunTree[] {
  return runTreesAmong(spans, (_, trace) => foreignWorkOf(trace))
}

/**
 * The same, of spans that need not be all.
 *
 * @param foreignOf what was counted of a trace because no rollup holds it
 */
export function runTreesAmong(
  spans: Iterable<StoredSpan>,
  foreignOf: (traceId: string, trace: readonly StoredSpan[]) => ForeignWork | undefined,
): readonly RunTree[] {
  const traces = spansByTrace(spans)
  const named = runIdsNamedIn(traces.values())
  const runs: RunTree[] = []
  for (const [traceId, trace] of traces) {
    if (named.has(traceId) || trace.some(isOfRun)) {
      runs.push(runTreeOf(traceId, trace, foreignOf(traceId, trace)))
    }
  }
  return runs.toSorted((a, b) => {
    if (a.startUnixNano !== b.startUnixNano) return a.startUnixNano < b.startUnixNano ? -1 : 1
    return a.runId < b.runId ? -1 : 1
  })
}

/** The ids that spans name as runs: their own, their parents, what they started. */
function runIdsNamedIn(traces: Iterable<readonly StoredSpan[]>): Set<string> {
  const named = new Set<string>()
  for (const trace of traces) {
    for (const { attributes } of trace) {
      for (const key of [
        ATTR_RUNSPAN_RUN_ID,
        ATTR_RUNSPAN_PARENT_RUN_ID,
        ATTR_RUNSPAN_ROOT_RUN_ID,
        ATTR_RUNSPAN_CHILD_RUN_ID,
      ]) {
        const id = textAt(attributes, key)
        if (id !== undefined) named.add(runKeyOf(id))
      }
    }
  }
  return named
}

/** Whether a span marks its trace as a run, or as one in which an agent works that nobody wrapped. */
export function isOfRun(span: StoredSpan): boolean {
  return isMarkedAsRun(span) || isAdopted(span)
}
