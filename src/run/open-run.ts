import {
  ROOT_CONTEXT,
  SpanKind,
  context,
  diag,
  isSpanContextValid,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type TimeInput,
} from '@opentelemetry/api'

import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_RUNSPAN_AGENT_VERSION,
  ATTR_RUNSPAN_FIRST_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_REQUESTED_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_ATTEMPT,
  ATTR_RUNSPAN_RUN_DETACHED,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_USER_ID,
} from '../attributes.ts'
import { textOf } from '../internal/text-of.ts'
import { VERSION } from '../internal/version.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'
import { ambientTracer } from './ambient-tracer.ts'
import { directAttributes } from './direct-attributes.ts'
import { DispatchSpan, activeSpanContext, recordGoal } from './dispatch.ts'
import { recordMetadata } from './content.ts'
import { checkBudget } from './budget.ts'
import { toLink, typedLink } from './link-target.ts'
import { OwnedRun } from './owned-run.ts'
import { originTypeOf, parentageOf, type Parentage } from './parentage.ts'
import { isUsed, register } from './registry.ts'
import { newRunId, newSpanId, normaliseRunId, rootSpanContextOf, rootSpanIdOf } from './run-id.ts'
import { runOfContext, callerOf, withRun } from './run-context.ts'
import { shared } from './shared.ts'
import { agentSpanNames } from './span-names.ts'
import { startQuietly } from './start-span.ts'
import { count } from './stats.ts'
import type { LinkType, RunOptions } from './types.ts'

/** Which id a run is to have, and why. */
interface Identity {
  readonly runId: string
  /** What the application asked for, where it asked. */
  readonly requested: string | undefined
  /** The run that this one is another execution of. */
  readonly first: string | undefined
  readonly attempt: number | undefined
}

/** Opens a run: decides its identity, finds its parent, leaves a dispatch span, starts the root. */
export function openRun<I>(agentName: string, options: RunOptions<I>): OwnedRun<I> {
  const name = checkedName(agentName)
  checkBudget(options.budget)
  const tracer = options.tracer ?? options.tracerProvider?.getTracer('runspan', VERSION) ?? ambientTracer()
  const active = context.active()
  // Looking things up in a context takes longer than seeing that there is nothing in it.
  const isEmpty = active === ROOT_CONTEXT
  const enclosing = isEmpty ? undefined : runOfContext(active)
  const identity = identityOf(options)
  const parentage = parentageOf(options, enclosing)
  const activeSpan = isEmpty ? undefined : activeSpanContext(active)
  const origin = activeSpan ?? (isEmpty ? undefined : callerOf(active))
  const originType = originTypeOf(parentage, enclosing, origin)
  // What is active keeps a span that says what was started, unless that is switched off.
  const dispatch =
    activeSpan === undefined || options.dispatchSpan === false
      ? undefined
      : new DispatchSpan(enclosing?.tracer ?? tracer, name, active, originType)
  const goal = options.goal ?? options.from?.goal
  const run = new OwnedRun<I>(name, identity.runId, tracer, options, parentage, goal)

  const attributes: Attributes = { [ATTR_GEN_AI_OPERATION_NAME]: 'invoke_agent', [ATTR_GEN_AI_AGENT_NAME]: name }
  if (parentage.parentRunId !== undefined) attributes[ATTR_RUNSPAN_PARENT_RUN_ID] = parentage.parentRunId
  if (parentage.rootRunId !== undefined) attributes[ATTR_RUNSPAN_ROOT_RUN_ID] = parentage.rootRunId
  if (options.from !== undefined) attributes[ATTR_RUNSPAN_RUN_DETACHED] = true
  if (identity.attempt !== undefined && identity.attempt > 1) attributes[ATTR_RUNSPAN_RUN_ATTEMPT] = identity.attempt
  if (identity.first !== undefined) attributes[ATTR_RUNSPAN_FIRST_RUN_ID] = identity.first
  if (options.agentVersion !== undefined) attributes[ATTR_RUNSPAN_AGENT_VERSION] = options.agentVersion
  if (options.conversationId !== undefined) attributes[ATTR_GEN_AI_CONVERSATION_ID] = options.conversationId
  if (options.userId !== undefined) attributes[ATTR_USER_ID] = options.userId
  if (options.attributes !== undefined) Object.assign(attributes, options.attributes)

  const init: RootInit = {
    attributes,
    links: linksOf(options, identity, parentage, dispatch?.spanContext ?? origin, originType),
    startTime: undefined,
    spanId: undefined,
  }
  startRoot(run, identity, init, active, dispatch)
  if (options.budget !== undefined && run.tally === undefined && run.recorded) {
    count(
      'budgetsUnwatched',
      `nobody watches the budget of run ${run.runId}. Add a RunRollupProcessor to the provider.`,
    )
  }
  if (goal !== undefined) {
    recordGoal(run.otelSpan, goal)
    dispatch?.describe(goal)
  }
  if (options.input !== undefined) run.setInput(options.input)
  if (options.metadata !== undefined) recordMetadata(run.otelSpan, options.metadata)
  return run
}

/** How a root begins. */
export interface RootInit {
  readonly attributes: Attributes
  readonly links: Link[]
  readonly startTime: TimeInput | undefined
  /** The root's own id, where parts of the run point at it already; else it follows from the run id. */
  readonly spanId: string | undefined
}

/** Starts the root span under the run's own ids, marks its trace as a run, and puts the run into the registry. */
export function startRoot<I>(
  run: OwnedRun<I>,
  identity: Identity,
  init: RootInit,
  active: Context,
  dispatch: DispatchSpan | undefined,
): void {
  const state = shared()
  const { runId } = identity
  state.armed = { traceId: runId, spanId: init.spanId ?? rootSpanIdOf(runId) ?? newSpanId() }
  state.starting = run
  let span: Span
  try {
    span = startQuietly(run.tracer, agentSpanNames.of(run.agentName), rootOptions(init, active), active)
  } finally {
    state.armed = undefined
    state.starting = undefined
  }
  const root = span.spanContext()
  if (root.traceId === runId) tie(run, span, root, dispatch)
  else if (isSpanContextValid(root)) {
    takeForeignId(run, span, root, identity)
    tie(run, span, root, dispatch)
  }
  run.opened(span, withRun(active, run, span), dispatch)
  register(run)
  state.counters.runsStarted++
}

function rootOptions({ attributes, links, startTime }: RootInit, active: Context): SpanOptions {
  const options: SpanOptions = { kind: SpanKind.INTERNAL, attributes, links }
  // Where nothing is active a span is a root anyway, and asking for one copies the context.
  if (active !== ROOT_CONTEXT && trace.getSpan(active) !== undefined) options.root = true
  if (startTime !== undefined) options.startTime = startTime
  return options
}

function tie<I>(run: OwnedRun<I>, span: Span, root: SpanContext, dispatch: DispatchSpan | undefined): void {
  markAsRun(root)
  const store = directAttributes(span, ATTR_GEN_AI_OPERATION_NAME)
  if (store === undefined) span.setAttribute(ATTR_RUNSPAN_RUN_ID, run.runId)
  else store[ATTR_RUNSPAN_RUN_ID] = run.runId
  dispatch?.tieTo(run.runId, root)
}

/** No generator of ours is installed: the run goes on under the id that the SDK chose. */
function takeForeignId<I>(run: OwnedRun<I>, span: Span, root: SpanContext, identity: Identity): void {
  run.runId = root.traceId
  if (identity.requested === undefined) return
  span.setAttribute(ATTR_RUNSPAN_REQUESTED_RUN_ID, identity.requested)
  count(
    'runIdsNotKept',
    `run id ${identity.requested} could not be kept: the tracer provider does not use RunIdGenerator. Pass idGenerator: new RunIdGenerator().`,
  )
}

/**
 * Writes the `runspan` member into the root's trace state, so that children and every W3C propagator carry it. The span
 * context is a plain object in SDK 2.0 to 3.1; a frozen one stays unmarked, and then only our own headers mark the run.
 */
function markAsRun(root: SpanContext): void {
  try {
    root.traceState = runTraceState(root.traceId, root.traceState)
  } catch {
    diag.debug('runspan: the span context is frozen; instrumentations will not carry the run')
  }
}

function checkedName(agentName: unknown): string {
  if (typeof agentName === 'string' && agentName !== '') return agentName
  count(
    'internalErrors',
    `an agent was given no name (${textOf(agentName)}); it is recorded as "unnamed". Pass a non-empty string.`,
  )
  return 'unnamed'
}

/**
 * A run id names one execution: an id that was used before, or a later delivery of the same job, gets an id of its own
 * and points to the first.
 */
function identityOf<I>({ runId, from, attempt }: RunOptions<I>): Identity {
  const asked = from?.runId ?? runId
  if (asked === undefined) return { runId: newRunId(), requested: undefined, first: undefined, attempt }
  const chosen = normaliseRunId(asked)
  if (chosen === undefined) {
    count('invalidRunIds', `run id ${textOf(asked)} is neither 32 hex digits nor a UUID; the run got another id.`)
    return { runId: newRunId(), requested: textOf(asked), first: undefined, attempt }
  }
  if (attempt !== undefined && attempt > 1) return { runId: newRunId(), requested: undefined, first: chosen, attempt }
  if (isUsed(chosen)) {
    count(
      'runIdsRepeated',
      `run id ${chosen} was used before in this process; the run got another id and a retry link. Pass attempt: n for redelivered jobs.`,
    )
    return { runId: newRunId(), requested: undefined, first: chosen, attempt }
  }
  return { runId: chosen, requested: chosen, first: undefined, attempt }
}

/** The links of the root: to the parent first, then to what was active, to the first execution, and the caller's own. */
function linksOf<I>(
  options: RunOptions<I>,
  identity: Identity,
  parentage: Parentage,
  origin: SpanContext | undefined,
  originType: LinkType,
): Link[] {
  const links: Link[] = []
  const hasOrigin = origin !== undefined && isSpanContextValid(origin)
  // A span in the parent's own trace says more than the parent's root: it is where the run was started.
  if (parentage.link !== undefined && !(hasOrigin && originType === 'parent' && parentage.isNamed))
    links.push(parentage.link)
  if (hasOrigin) links.push(typedLink(originType, origin))
  const first = identity.first === undefined ? undefined : rootSpanContextOf(identity.first)
  if (first !== undefined) links.push(typedLink('retry', first))
  if (options.links === undefined) return links
  for (const link of options.links) {
    const checked = toLink(link)
    if (checked !== undefined) links.push(checked)
  }
  return links
}
