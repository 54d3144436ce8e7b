import { TraceFlags, isSpanContextValid, type Link, type SpanContext } from '@opentelemetry/api'

import { ATTR_RUNSPAN_LINK_TYPE } from '../attributes.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'
import { parseTraceparent } from '../propagation/traceparent.ts'
import { normaliseRunId, rootSpanContextOf } from './run-id.ts'
import { count } from './stats.ts'
import type { LinkType, RunLink, RunTarget } from './types.ts'

/** The run id of a target, or `undefined` where it is none. */
export function runIdOfTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return normaliseRunId(target)
  if (typeof target !== 'object' || target === null) return undefined
  return normaliseRunId((target as { runId?: unknown }).runId)
}

/** The context of the span a target stands for: a ref's own span, a bare id's root. */
export function spanContextOfTarget(target: RunTarget): SpanContext | undefined {
  const runId = runIdOfTarget(target)
  if (runId === undefined) return undefined
  if (typeof target !== 'string' && typeof target.traceparent === 'string') {
    const parsed = parseTraceparent(target.traceparent)
    if (parsed !== undefined && parsed.traceId === runId) {
      return { ...parsed, isRemote: true, traceState: runTraceState(runId) }
    }
  }
  return rootSpanContextOf(runId)
}

/**
 * A link that every backend takes. The SDK checks nothing: an id of the wrong length would be exported as it is, and
 * can cost the whole batch it is in.
 *
 * @returns `undefined`, counted, where the target is no run and no valid span context
 */
export function toLink(link: RunLink): Link | undefined {
  const to = link.to
  const target = typeof to === 'object' && to !== null && 'traceId' in to ? validContext(to) : spanContextOfTarget(to)
  if (target === undefined) {
    count(
      'invalidRunIds',
      `a ${link.type} link to something that is no run was left out. Pass a run id, a ref or a span context.`,
    )
    return undefined
  }
  return typedLink(link.type, target, link)
}

/** A link of one of our types. */
export function typedLink(type: LinkType, context: SpanContext, link?: RunLink): Link {
  return { context, attributes: { ...link?.attributes, [ATTR_RUNSPAN_LINK_TYPE]: type } }
}

function validContext(context: SpanContext): SpanContext | undefined {
  return isSpanContextValid(context) ? { ...context, traceFlags: context.traceFlags ?? TraceFlags.SAMPLED } : undefined
}
