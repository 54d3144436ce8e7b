import {
  ROOT_CONTEXT,
  TraceFlags,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
  type TimeInput,
  type Tracer,
} from '@opentelemetry/api'

import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_RUNSPAN_AGENT_VERSION,
  ATTR_RUNSPAN_FIRST_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_REQUESTED_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_ATTEMPT,
  ATTR_RUNSPAN_RUN_DETACHED,
  ATTR_RUNSPAN_RUN_GOAL,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_RUNSPAN_RUN_OPEN,
  ATTR_USER_ID,
  SPAN_RUNSPAN_CHECKPOINT,
  SPAN_RUNSPAN_STARTED,
} from '../attributes.ts'
import type { RunTally } from './run-tally.ts'
import { shared } from './shared.ts'
import { endQuietly } from './span-handle.ts'
import { startQuietly } from './start-span.ts'
import type { RunOptions } from './types.ts'
import { uncounted } from './uncounted.ts'

/** An open run that this process owns. */
interface LiveRun {
  readonly runId: string
  readonly agentName: string
  readonly tracer: Tracer
  readonly otelSpan: Span
  readonly rootContext: SpanContext | undefined
  readonly tally: RunTally | undefined
}

/** What both say of the run: the keys of its root that identify and place it. The operation is not among them. */
const describingKeys = [
  ATTR_RUNSPAN_RUN_GOAL,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_DETACHED,
  ATTR_RUNSPAN_RUN_ATTEMPT,
  ATTR_RUNSPAN_FIRST_RUN_ID,
  ATTR_RUNSPAN_REQUESTED_RUN_ID,
  ATTR_RUNSPAN_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_USER_ID,
] as const

/**
 * Leaves a zero-length span below the root of a run that has just opened: a child reaches a backend before its root has
 * ended, and so shows that the run is open.
 *
 * @param isDetached whether it is a run that nobody may wait for
 */
export function markStart(
  run: LiveRun,
  { startMarker, from }: Pick<RunOptions, 'startMarker' | 'from'>,
  isDetached: boolean,
): void {
  const { startMarkers } = shared().settings
  const isWanted =
    startMarker ?? (startMarkers === 'all' || (startMarkers === 'detached' && (isDetached || from !== undefined)))
  if (isWanted) writeLiveSpan(run, SPAN_RUNSPAN_STARTED, {}, (run.otelSpan as { startTime?: TimeInput }).startTime)
}

/** Leaves a zero-length span below the root with the sums so far. */
export function writeCheckpoint(run: LiveRun): void {
  const attributes: Attributes = {}
  run.tally?.writeSoFar(attributes, 'checkpoint')
  writeLiveSpan(run, SPAN_RUNSPAN_CHECKPOINT, attributes, undefined)
}

/** Only of a run that leaves the process for certain: of one that may be sampled out nothing should be seen. */
function writeLiveSpan(run: LiveRun, name: string, attributes: Attributes, time: TimeInput | undefined): void {
  const root = run.rootContext
  if (root === undefined || (root.traceFlags & TraceFlags.SAMPLED) === 0) return
  attributes[ATTR_GEN_AI_AGENT_NAME] = run.agentName
  attributes[ATTR_RUNSPAN_RUN_ID] = run.runId
  attributes[ATTR_RUNSPAN_RUN_OPEN] = true
  const said = (run.otelSpan as { attributes?: Attributes }).attributes ?? {}
  for (const key of describingKeys) {
    const value = said[key]
    if (value !== undefined) attributes[key] = value
  }
  const startTime = time ?? Date.now()
  const parent = trace.setSpanContext(ROOT_CONTEXT, root)
  uncounted(() => endQuietly(startQuietly(run.tracer, name, { attributes, startTime }, parent), startTime))
}
