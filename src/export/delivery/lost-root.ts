import { TraceFlags, type SpanContext } from '@opentelemetry/api'

import { lostReason } from '../../run/lost-run.ts'
import type { WatchedRun } from '../../run/open-run-watcher.ts'
import type { ExportableSpan } from '../otlp/exportable-span.ts'

const statusError = 2

/**
 * The root that a run is to have if its process is lost: that of now, as an ended span. Exceptions and other events stay
 * behind.
 *
 * @returns nothing where the root is not sampled, or no span of an SDK
 */
export function lostRootOf(run: WatchedRun, nowUnixMillis: number): ExportableSpan | undefined {
  const span = run.otelSpan as Partial<ExportableSpan>
  const { name, kind, startTime, resource, instrumentationScope } = span
  const context = (run.otelSpan as { spanContext(): SpanContext }).spanContext()
  if ((context.traceFlags & TraceFlags.SAMPLED) === 0) return undefined
  if (name === undefined || kind === undefined || startTime === undefined) return undefined
  if (resource === undefined || instrumentationScope === undefined) return undefined
  const now = [Math.floor(nowUnixMillis / 1000), (nowUnixMillis % 1000) * 1e6] as const
  return {
    name,
    kind,
    startTime,
    endTime: isBefore(now, startTime) ? startTime : now,
    status: { code: statusError, message: lostReason },
    attributes: run.attributesIfLost(),
    events: [],
    links: span.links ?? [],
    resource,
    instrumentationScope,
    droppedEventsCount: span.events?.length,
    droppedLinksCount: span.droppedLinksCount,
    spanContext: () => context,
  }
}

function isBefore(one: readonly [number, number], other: readonly [number, number]): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1])
}
