import { foreignWorkOf, maxForeignSpans, type ForeignWork } from './foreign-parts.ts'
import type { SpanSource, TraceOutline } from './span-source.ts'

/** What no rollup of a run holds: the store says it, or is asked for the run's spans. */
export async function readForeignWork(source: SpanSource, trace: TraceOutline): Promise<ForeignWork | undefined> {
  if (trace.foreignWork !== undefined) return trace.foreignWork()
  const whole = await source.readTrace(trace.traceId, maxForeignSpans + 1)
  if (whole === undefined) return undefined
  return whole.foreignWork === undefined ? foreignWorkOf(whole.spans) : whole.foreignWork()
}
