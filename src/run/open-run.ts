import {
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
  type Tracer,
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
import { parseTraceparent } from '../propagation/traceparent.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'
import { ambientTracer } from './ambient-tracer.ts'
import { directAttributes } from './direct-attributes.ts'
import { DispatchSpan, activeSpanContext, recordGoal } from './dispatch.ts'
import { recordMetadata } from './content.ts'
import { runIdOfTarget, spanContextOfTarget, toLink, typedLink } from './link-target.ts'
import { OwnedRun } from './owned-run.ts'
import { isUsed, register } from './registry.ts'
import { newRunId, newSpanId, normaliseRunId, rootSpanContextOf, rootSpanIdOf } from './run-id.ts'
import { runOfContext, callerOf, withRun } from './run-context.ts'
import type { RunPart } from './run-part.ts'
import { shared } from './shared.ts'
import { startQuietly } from './start-span.ts'
import { count } from './stats.ts'
import type { RunOptions, RunRef, RunTarget } from './types.ts'

/** Which id a run is to have, and why. */
interface Identity {
  readonly runId: string
  /** What the application asked for, where it asked. */
  readonly requested: string | undefined
  /** The run that this one is another execution of. */
  readonly first: string | undefined
  readonly attempt: number | undefined
}

/** Who started a run. */
interface Parentage {
  /** The parent's run id, or the text that stood in its place. */
  readonly parentRunId: string | undefined
  readonly rootRunId: string | undefined
  readonly link: Link | undefined
}

const none: Parentage = { parentRunId: undefined, rootRunId: undefined, link: undefined }

/** Opens a run: decides its identity, finds its parent, leaves a dispatch span, starts the root. */
export function openRun<I>(agentName: string, options: RunOptions<I>): OwnedRun<I> {
  const name = checkedName(agentName)
  const tracer = options.tracer ?? options.tracerProvider?.getTracer('runspan', VERSION) ?? ambientTracer()
  const active = context.active()
  const enclosing = runOfContext(active)
  const identity = identityOf(options)
  const dispatch = dispatchFrom(active, enclosing, name, tracer, options)
  const parentage = parentageOf(options, enclosing)
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
    links: linksOf(options, identity, parentage, dispatch, active, enclosing),
    startTime: undefined,
    spanId: undefined,
  }
  startRoot(run, identity, init, active, dispatch)
  if (goal !== undefined) recordGoal(run.otelSpan, goal)
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
    span = startQuietly(run.tracer, `invoke_agent ${run.agentName}`, rootOptions(init, active), active)
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
  if (trace.getSpan(active) !== undefined) options.root = true
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

/** Leaves a dispatch span in whatever is active, unless that is switched off. */
function dispatchFrom<I>(
  active: Context,
  enclosing: RunPart | undefined,
  name: string,
  tracer: Tracer,
  options: RunOptions<I>,
): DispatchSpan | undefined {
  if (options.dispatchSpan === false || activeSpanContext(active) === undefined) return undefined
  return new DispatchSpan(
    enclosing?.tracer ?? tracer,
    name,
    active,
    isChildOf(enclosing, options) ? 'parent' : 'trigger',
  )
}

/** Whether the enclosing run is the parent: by default, or because it was named. */
function isChildOf<I>(enclosing: RunPart | undefined, { parentRunId, from }: RunOptions<I>): boolean {
  if (enclosing === undefined || parentRunId === null) return false
  if (parentRunId !== undefined) return runIdOfTarget(parentRunId) === enclosing.runId
  return from === undefined || normaliseRunId(from.parentRunId) === enclosing.runId
}

/** Who started the run: as named, as spawned, else the enclosing run. */
function parentageOf<I>(options: RunOptions<I>, enclosing: RunPart | undefined): Parentage {
  const { parentRunId, from } = options
  if (parentRunId === null) return none
  if (parentRunId === undefined && from !== undefined) return parentageOfSpawned(from)
  if (isChildOf(enclosing, options))
    return { parentRunId: enclosing!.runId, rootRunId: enclosing!.rootRunId, link: undefined }
  return parentRunId === undefined ? none : parentageOfNamed(parentRunId)
}

function parentageOfNamed(parent: RunTarget): Parentage {
  const id = runIdOfTarget(parent)
  if (id === undefined) {
    count('invalidRunIds', `parentRunId ${textOf(parent)} is no run id; it is kept as an attribute and not linked.`)
    return { ...none, parentRunId: textOf(parent) }
  }
  const rootRunId = (typeof parent === 'string' ? undefined : normaliseRunId(parent.rootRunId)) ?? rootRunIdOfOpen(id)
  const target = spanContextOfTarget(parent)
  return { parentRunId: id, rootRunId, link: target === undefined ? undefined : typedLink('parent', target) }
}

/** A spawned child links to the span that spawned it. */
function parentageOfSpawned(from: RunRef): Parentage {
  const id = normaliseRunId(from.parentRunId)
  const dispatch = from.dispatchTraceparent === undefined ? undefined : parseTraceparent(from.dispatchTraceparent)
  const target =
    dispatch === undefined ? (id === undefined ? undefined : rootSpanContextOf(id)) : { ...dispatch, isRemote: true }
  return {
    parentRunId: id,
    rootRunId: normaliseRunId(from.rootRunId),
    link: target === undefined ? undefined : typedLink('spawn', target),
  }
}

/** The root of a parent that is open in this process. */
function rootRunIdOfOpen(runId: string): string | undefined {
  const entry = shared().open.get(runId) as Partial<RunPart> | undefined
  return entry?.rootRunId
}

/** The links of the root: to the parent first, then to what was active, to the first execution, and the caller's own. */
function linksOf<I>(
  options: RunOptions<I>,
  identity: Identity,
  parentage: Parentage,
  dispatch: DispatchSpan | undefined,
  active: Context,
  enclosing: RunPart | undefined,
): Link[] {
  const links: Link[] = []
  if (parentage.link !== undefined) links.push(parentage.link)
  const origin = dispatch?.spanContext ?? activeSpanContext(active) ?? callerOf(active)
  if (origin !== undefined && isSpanContextValid(origin))
    links.push(typedLink(isChildOf(enclosing, options) ? 'parent' : 'trigger', origin))
  const first = identity.first === undefined ? undefined : rootSpanContextOf(identity.first)
  if (first !== undefined) links.push(typedLink('retry', first))
  for (const link of options.links ?? []) {
    const checked = toLink(link)
    if (checked !== undefined) links.push(checked)
  }
  return links
}
