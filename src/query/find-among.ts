import type { PageFlag } from './page.ts'
import { fits, type RunFilter } from './run-filter.ts'
import { runTreeOf } from './run-tree.ts'
import type { FoundTraces, TraceOutline } from './span-source.ts'

/** Whatever a store that cannot search itself has: the runs that fit, the newest start first. */
export function findAmong(
  traces: Iterable<TraceOutline>,
  filter: RunFilter,
  offset: number,
  limit: number,
  flags: readonly PageFlag[] = [],
): FoundTraces {
  const found: { readonly trace: TraceOutline; readonly startUnixNano: bigint }[] = []
  for (const trace of traces) {
    if (!trace.isMarked) continue
    const run = runTreeOf(trace.traceId, trace.outline)
    if (fits(filter, run)) found.push({ trace, startUnixNano: run.startUnixNano })
  }
  found.sort((a, b) => {
    if (a.startUnixNano !== b.startUnixNano) return a.startUnixNano > b.startUnixNano ? -1 : 1
    return a.trace.traceId < b.trace.traceId ? -1 : 1
  })
  return {
    traces: found.slice(offset, offset + limit).map(({ trace }) => trace),
    // Whoever saw a part cannot say how many there are.
    total: flags.includes('cut') ? undefined : found.length,
    hasMore: found.length > offset + limit,
    flags,
  }
}
