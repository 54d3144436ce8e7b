import type { SpanKind } from '@opentelemetry/api'
import {
  context,
  isSpanContextValid,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api'

import {
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_RUNSPAN_SEGMENT,
  ATTR_RUNSPAN_SEGMENT_LOCAL,
  ATTR_USER_ID,
} from '../attributes.ts'
import { marksRun, runTraceState, traceStateFrom } from '../propagation/run-trace-state.ts'
import { parseTraceparent, formatTraceparent } from '../propagation/traceparent.ts'
import { follow } from './follow/follow.ts'
import { register } from './registry.ts'
import { normaliseRunId, rootSpanContextOf } from './run-id.ts'
import { withRun } from './run-context.ts'
import { Segment } from './segment.ts'
import { shared } from './shared.ts'
import { agentSpanNames } from './span-names.ts'
import { shapeOf } from './span-shape.ts'
import { startQuietly } from './start-span.ts'
import { count } from './stats.ts'
import type { JoinOptions, RunRef, RunTarget, WorkSpan } from './types.ts'
import { ambientTracer } from './ambient-tracer.ts'
import { noSpan } from './no-span.ts'

/**
 * Does work as a part of somebody else's run: one span in that run's trace, the segment's root, with everything `fn`
 * does below it. Calling it on a ref from outside is the statement that the caller is trusted.
 *
 * On nothing (no target, a malformed one, one that is not marked as a run) `fn` runs all the same, with a span that
 * records nothing. Joining never creates the run: an unknown id leaves a segment under a root that is missing.
 *
 * @param target a ref, or a run id as 32 hex digits or dashed UUID
 * @param fn the work. It keeps its shape: a value, a promise, a stream; the segment ends where that truly ends
 *
 * @example
 * ```ts
 * import { extractRun, joinRun } from 'runspan'
 *
 * function onMessage(message: { headers: Record<string, string>; rows: number[] }) {
 *   return joinRun(extractRun(message.headers), (span) => span.setOutput(message.rows.length), { name: 'load rows' })
 * }
 * onMessage({ headers: {}, rows: [] })
 * ```
 */
export function joinRun<R>(target: RunTarget | null | undefined, fn: (span: WorkSpan) => R, options?: JoinOptions): R
/** @param parentSpanId the span to join under, 16 hex digits. Left out: the ref's own span, or the run's root */
export function joinRun<R>(
  target: RunTarget | null | undefined,
  parentSpanId: string | null | undefined,
  fn: (span: WorkSpan) => R,
  options?: JoinOptions,
): R
export function joinRun<R>(
  target: RunTarget | null | undefined,
  second: string | null | undefined | ((span: WorkSpan) => R),
  third?: JoinOptions | ((span: WorkSpan) => R),
  fourth?: JoinOptions,
): R {
  const isShort = typeof second === 'function'
  const fn = isShort ? second : (third as (span: WorkSpan) => R)
  const options = (isShort ? (third as JoinOptions | undefined) : fourth) ?? {}
  const joined = targetOf(target, isShort ? undefined : second)
  if (joined === undefined) {
    count('joinsOfNothing')
    return fn(noSpan)
  }
  const parent = trace.setSpanContext(context.active(), joined.parent)
  return runSegment(openSegment(joined.ref, parent, options), fn)
}

/** Runs `fn` in a segment that has been opened. */
function runSegment<R>(segment: Segment, fn: (span: WorkSpan) => R): R {
  let result: R
  try {
    result = context.with(segment.context, fn, undefined, segment)
  } catch (error) {
    segment.failed(error)
    throw error
  }
  return follow(result, segment)
}

/** How a segment's root may differ from what `joinRun` makes of it. */
export interface SegmentShape {
  readonly kind?: SpanKind
  readonly spanName?: string
  readonly onWrite?: (span: Span) => void
  readonly signal?: AbortSignal | undefined
}

/** Opens a segment of `ref` below the span that is active in `parent`. */
export function openSegment(ref: RunRef, parent: Context, options: JoinOptions, own: SegmentShape = {}): Segment {
  const state = shared()
  const tracer = ambientTracer()
  const entry = state.open.get(ref.runId)
  const local = entry === undefined || entry.joined ? undefined : entry
  const { conversationId, userId } = local ?? idsOf(ref)
  const { signal, onWrite } = own
  const isTool = options.type === 'tool'
  const segment = new Segment(tracer, { conversationId, userId, signal, ref, local, isTool, onWrite })
  const name = options.name ?? (ref.agentName === undefined ? 'join' : agentSpanNames.of(ref.agentName))
  const isTyped = options.type !== undefined && options.type !== 'function' && options.type !== 'chain'
  const shape = shapeOf(name, isTyped ? options.type : 'function', options)
  const attributes: Attributes = { ...shape.attributes, [ATTR_RUNSPAN_SEGMENT]: true, [ATTR_RUNSPAN_RUN_ID]: ref.runId }
  if (local !== undefined) attributes[ATTR_RUNSPAN_SEGMENT_LOCAL] = true
  if (conversationId !== undefined) attributes[ATTR_GEN_AI_CONVERSATION_ID] = conversationId
  if (userId !== undefined) attributes[ATTR_USER_ID] = userId
  let span: Span
  state.starting = segment
  try {
    span = startQuietly(tracer, own.spanName ?? shape.name, { kind: own.kind ?? shape.kind, attributes }, parent)
  } finally {
    state.starting = undefined
  }
  segment.opened(span, withRun(parent, segment, span))
  register(segment)
  count('segmentsStarted')
  if (options.input !== undefined) segment.setInput(options.input)
  return segment
}

/** The ids that came with a ref, which may have come out of a queue. */
function idsOf({ conversationId, userId }: RunRef): Pick<RunRef, 'conversationId' | 'userId'> {
  return {
    ...(typeof conversationId === 'string' ? { conversationId } : {}),
    ...(typeof userId === 'string' ? { userId } : {}),
  }
}

interface Joined {
  readonly ref: RunRef
  readonly parent: SpanContext
}

/** The run and the span to join, or `undefined` where the target names no run. */
function targetOf(target: RunTarget | null | undefined, parentSpanId: string | null | undefined): Joined | undefined {
  const found = typeof target === 'string' ? fromId(target) : fromRef(target)
  if (found === undefined || typeof parentSpanId !== 'string') return found
  const spanId = parentSpanId.toLowerCase()
  const parent = { ...found.parent, spanId }
  return isSpanContextValid(parent) ? { ref: found.ref, parent } : found
}

function fromId(text: string): Joined | undefined {
  const runId = normaliseRunId(text)
  const parent = runId === undefined ? undefined : rootSpanContextOf(runId)
  if (runId === undefined || parent === undefined) return undefined
  return { ref: { runId, traceparent: formatTraceparent(parent), tracestate: parent.traceState!.serialize() }, parent }
}

function fromRef(ref: RunRef | null | undefined): Joined | undefined {
  if (typeof ref !== 'object' || ref === null) return undefined
  const parsed = typeof ref.traceparent === 'string' ? parseTraceparent(ref.traceparent) : undefined
  const traceState = traceStateFrom(ref.tracestate)
  if (parsed === undefined || !marksRun(traceState, parsed.traceId) || parsed.traceId !== normaliseRunId(ref.runId))
    return undefined
  return { ref, parent: { ...parsed, isRemote: true, traceState: traceState ?? runTraceState(parsed.traceId) } }
}
