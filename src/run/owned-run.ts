import { TraceFlags, context, type Attributes, type Context, type Span, type Tracer } from '@opentelemetry/api'

import { ATTR_GEN_AI_OPERATION_NAME, ATTR_RUNSPAN_RUN_STATUS, ATTR_RUNSPAN_RUN_STATUS_REASON } from '../attributes.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'
import { formatTraceparent } from '../propagation/traceparent.ts'
import { redacted } from './content.ts'
import { directAttributes } from './direct-attributes.ts'
import type { DispatchSpan } from './dispatch.ts'
import { writeFailedEnding } from './failed-ending.ts'
import { describeFailure } from './failure.ts'
import { encodeHandOff, type RootDescription } from './hand-off.ts'
import { writeCheckpoint } from './live-spans.ts'
import { attributesOfLost } from './lost-run.ts'
import { forget, noteOpen, settleWatchers } from './registry.ts'
import { rootSpanIdOf } from './run-id.ts'
import { type Ending, RunPart, type PartInit } from './run-part.ts'
import { shared } from './shared.ts'
import { endQuietly } from './span-handle.ts'
import { startUnixNanoOf } from './span-time.ts'
import { count } from './stats.ts'
import type { OpenRun, RunOutcome, RunRef, RunSummary } from './types.ts'

/** What a run knows about its place in a family. */
export interface FamilyPlace {
  readonly parentRunId?: string | undefined
  readonly rootRunId?: string | undefined
}

/** A run that this process opened, and whose root it writes. */
export class OwnedRun<I = unknown> extends RunPart<I> implements OpenRun<I> {
  readonly joined = false
  activity = 0
  isUnsampled = false
  readonly agentName: string
  readonly goal: string | undefined
  readonly #place: FamilyPlace
  #dispatch: DispatchSpan | undefined
  #handedOff = false

  constructor(
    agentName: string,
    runId: string,
    tracer: Tracer,
    init: PartInit<I>,
    place: FamilyPlace,
    goal: string | undefined,
  ) {
    super(runId, tracer, init)
    this.agentName = agentName
    this.goal = goal
    this.#place = place
  }

  /** Takes in what was started for the run. */
  opened(span: Span, ctx: Context, dispatch: DispatchSpan | undefined): void {
    this.started(span, ctx)
    this.#dispatch = dispatch
  }

  get parentRunId(): string | undefined {
    return this.#place.parentRunId
  }

  /** Known where this run has no parent, or its parent said so. */
  get rootRunId(): string | undefined {
    return this.#place.rootRunId ?? (this.#place.parentRunId === undefined ? this.runId : undefined)
  }

  makeRef(): RunRef {
    const root = this.rootContext
    const { runId, agentName, goal, parentRunId, rootRunId } = this
    return {
      runId,
      traceparent: formatTraceparent(
        root ?? { traceId: runId, spanId: rootSpanIdOf(runId) ?? runId.slice(0, 16), traceFlags: 0 },
      ),
      tracestate: (root?.traceState ?? runTraceState(runId)).serialize(),
      agentName,
      startUnixNano: startUnixNanoOf(this.otelSpan) ?? `${Math.round(this.startUnixMillis)}000000`,
      ...(goal === undefined ? {} : { goal }),
      ...(parentRunId === undefined ? {} : { parentRunId }),
      ...(rootRunId === undefined ? {} : { rootRunId }),
    }
  }

  /** Whether an end given now would be the first. */
  get canEnd(): boolean {
    return !this.#handedOff && !this.isEnded
  }

  with<R>(fn: () => R): R {
    return context.with(this.context, fn)
  }

  end(outcome: RunOutcome = {}): RunSummary {
    if (this.#closeIfHandedOff()) return this.summary()
    if (this.isEnded) count('endsIgnored', `run ${this.runId} was ended twice; the first end stands.`)
    else this.interrupt(this.#endingOf(outcome))
    return this.summary()
  }

  handOff(): RunRef {
    const ref = this.ref
    if (!this.canEnd) {
      count('endsIgnored', `run ${this.runId} had ended or was handed off already; the ref only joins.`)
      return ref
    }
    this.#handedOff = true
    count('runsHandedOff')
    forget(this, false)
    // Whoever has the ref may end it at any time: it must not be taken for lost with this process.
    settleWatchers()
    this.#dispatch?.end(undefined, undefined)
    const root = this.rootContext
    const description: RootDescription = {
      agentName: this.agentName,
      spanId: root?.spanId,
      isSampled: root !== undefined && (root.traceFlags & TraceFlags.SAMPLED) !== 0,
      startUnixNano: ref.startUnixNano!,
      parentRunId: this.parentRunId,
      rootRunId: this.#place.rootRunId,
      conversationId: this.conversationId,
      userId: this.userId,
      attributes: (this.otelSpan as { attributes?: Attributes }).attributes ?? {},
      links: (this.otelSpan as { links?: RootDescription['links'] }).links ?? [],
      subtotal: this.tally?.subtotal(),
    }
    return { ...ref, handedOff: encodeHandOff(description) }
  }

  [Symbol.dispose](): void {
    if (this.canEnd) this.interrupt({ status: 'abandoned', reason: 'disposed' })
  }

  override completed(value?: unknown): void {
    if (!this.#closeIfHandedOff()) super.completed(value)
  }

  checkpoint(): void {
    if (!this.canEnd) return
    writeCheckpoint(this)
    noteOpen(this)
  }

  attributesIfLost(): Attributes {
    const attributes = attributesOfLost((this.otelSpan as { attributes?: Attributes }).attributes ?? {})
    this.tally?.writeSoFar(attributes, 'process_lost')
    return attributes
  }

  override abandon(reason: string): void {
    if (!this.#handedOff) super.abandon(reason)
  }

  /** An end after the hand-over belongs to somebody else. */
  #closeIfHandedOff(): boolean {
    if (this.#handedOff) count('endsIgnored', `run ${this.runId} was handed off; whoever holds the ref ends it.`)
    return this.#handedOff
  }

  #endingOf(outcome: RunOutcome): Ending {
    if (outcome.metadata !== undefined) this.setMetadata(outcome.metadata)
    if (outcome.output !== undefined) this.setOutput(outcome.output)
    if (outcome.error !== undefined) this.setError(outcome.error)
    return { ...this.endingOfReturn(outcome.status), endTime: outcome.endTime }
  }

  protected write(ending: Ending): void {
    const span = this.otelSpan
    const { status } = ending
    const failed = status !== 'completed' && status !== 'cancelled'
    const failure = failed ? writeFailedEnding(span, ending) : undefined
    const store = directAttributes(span, ATTR_GEN_AI_OPERATION_NAME)
    const attributes = store ?? {}
    attributes[ATTR_RUNSPAN_RUN_STATUS] = status
    this.tally?.close(attributes, this.selfReported, failed)
    if (store === undefined) span.setAttributes(attributes)
    const reason = reasonOf(ending)
    if (reason !== undefined) span.setAttribute(ATTR_RUNSPAN_RUN_STATUS_REASON, reason)
    endQuietly(span, ending.endTime)
    this.#dispatch?.end(failure?.errorType, failure?.message, ending.endTime)
    forget(this, true)
    const { counters } = shared()
    counters.runsEnded++
    if (status === 'abandoned') counters.runsAbandoned++
  }
}

/** Why the run has its status: what the code said, else what it was cancelled with. */
function reasonOf({ status, reason, failure }: Ending): string | undefined {
  const text =
    reason ?? (status === 'cancelled' && failure !== undefined ? describeFailure(failure.error).message : undefined)
  return text === undefined ? undefined : redacted(text, ATTR_RUNSPAN_RUN_STATUS_REASON)
}
