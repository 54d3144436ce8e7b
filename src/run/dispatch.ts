import {
  SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'

import {
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_RUNSPAN_CHILD_RUN_ID,
  ATTR_RUNSPAN_RUN_GOAL,
} from '../attributes.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'
import { formatTraceparent } from '../propagation/traceparent.ts'
import { recordMetadata, recordsExplicit, redacted } from './content.ts'
import { typedLink } from './link-target.ts'
import { contextOfPart } from './run-context.ts'
import { newRunId, rootSpanContextOf } from './run-id.ts'
import type { RunPart } from './run-part.ts'
import { endQuietly } from './span-handle.ts'
import { agentSpanNames } from './span-names.ts'
import { startQuietly } from './start-span.ts'
import type { LinkType, RunRef } from './types.ts'

/**
 * The span that a run leaves in the trace it was started from: it shows where the time went, and carries the link
 * forward, so that the parent's root or a server span does not collect a link per child (a span keeps 128).
 */
export class DispatchSpan {
  readonly #span: Span
  /** How the run's root links back to it. */
  readonly linkType: LinkType

  /** Starts the span below whatever is active in `parent`. */
  constructor(tracer: Tracer, agentName: string, parent: Context, linkType: LinkType) {
    this.linkType = linkType
    this.#span = startQuietly(
      tracer,
      agentSpanNames.of(agentName),
      { kind: SpanKind.CLIENT, attributes: dispatchAttributes(agentName) },
      parent,
    )
  }

  get spanContext(): SpanContext {
    return this.#span.spanContext()
  }

  /** Says what the run is to achieve. */
  describe(goal: string): void {
    recordGoal(this.#span, goal)
  }

  /** Ties the span to the run, once that has its id. */
  tieTo(runId: string, root: SpanContext): void {
    this.#span.setAttribute(ATTR_RUNSPAN_CHILD_RUN_ID, runId)
    if (isSpanContextValid(root)) this.#span.addLink(typedLink(this.linkType, root))
  }

  /** Ends with the run. A failed run is a failed call, seen from here. */
  end(errorType: string | undefined, message: string | undefined, endTime?: Parameters<Span['end']>[0]): void {
    if (errorType !== undefined) {
      this.#span.setAttribute(ATTR_ERROR_TYPE, errorType)
      this.#span.setStatus(
        message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message },
      )
    }
    endQuietly(this.#span, endTime)
  }
}

function dispatchAttributes(agentName: string): Attributes {
  return { [ATTR_GEN_AI_OPERATION_NAME]: 'invoke_agent', [ATTR_GEN_AI_AGENT_NAME]: agentName }
}

/**
 * Mints a child's run id before the child exists, and shows the hand-over in the parent's trace at once: a short
 * PRODUCER span with the id, the agent's name and the goal.
 */
export function spawnChild(
  parent: RunPart,
  agentName: string,
  options: { readonly goal?: string; readonly metadata?: Readonly<Record<string, unknown>> } | undefined,
): RunRef {
  const runId = newRunId()
  const root = rootSpanContextOf(runId)!
  const span = startQuietly(
    parent.tracer,
    agentSpanNames.of(agentName),
    {
      kind: SpanKind.PRODUCER,
      attributes: { ...dispatchAttributes(agentName), [ATTR_RUNSPAN_CHILD_RUN_ID]: runId },
      links: [typedLink('spawn', root)],
    },
    contextOfPart(parent),
  )
  const goal = options?.goal
  if (goal !== undefined) recordGoal(span, goal)
  if (options?.metadata !== undefined) recordMetadata(span, options.metadata)
  const dispatch = span.spanContext()
  endQuietly(span)
  const rootRunId = parent.rootRunId
  return {
    runId,
    traceparent: formatTraceparent(root),
    tracestate: runTraceState(runId).serialize(),
    agentName,
    parentRunId: parent.runId,
    ...(rootRunId === undefined ? {} : { rootRunId }),
    ...(goal === undefined ? {} : { goal }),
    ...(isSpanContextValid(dispatch) ? { dispatchTraceparent: formatTraceparent(dispatch) } : {}),
  }
}

/** A goal is text that people read: recorded as it is, not as JSON. */
export function recordGoal(span: Span, goal: string): void {
  if (!recordsExplicit()) return
  const text = redacted(goal, ATTR_RUNSPAN_RUN_GOAL)
  if (text !== undefined) span.setAttribute(ATTR_RUNSPAN_RUN_GOAL, text)
}

/** What a run that starts now is started from: a run, something else, or nothing. */
export function activeSpanContext(active: Context = context.active()): SpanContext | undefined {
  const spanContext = trace.getSpanContext(active)
  return spanContext !== undefined && isSpanContextValid(spanContext) ? spanContext : undefined
}
