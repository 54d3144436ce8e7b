import {
  isSpanContextValid,
  type Attributes,
  type AttributeValue,
  type Context,
  type Span,
  type SpanContext,
  type TimeInput,
  type Tracer,
} from '@opentelemetry/api'

import { eventAttributes, inputKeyOf, outputKeyOf, recordContent, recordMetadata, recordsAll } from './content.ts'
import { spawnChild } from './dispatch.ts'
import { kindOfFailure, rememberRunOf } from './failure.ts'
import type { Followed, StopReason } from './follow/followed.ts'
import { toLink } from './link-target.ts'
import { forget } from './registry.ts'
import { contextOfPart } from './run-context.ts'
import type { RunEntry } from './run-entry.ts'
import { noProgress, noTotals, type RunTally } from './run-tally.ts'
import { shared } from './shared.ts'
import { setHandle } from './span-state.ts'
import { durationMillisOf, startUnixMillisOf } from './span-time.ts'
import { count, guarded } from './stats.ts'
import type {
  Run,
  RunBudget,
  RunLink,
  RunProgress,
  RunRef,
  RunStatus,
  RunSummary,
  RunTotals,
  SpanInit,
  Usage,
  WorkSpan,
} from './types.ts'
import { endQuietly } from './span-handle.ts'
import { runSpanIn } from './work-span.ts'

/** How a part ends. */
export interface Ending {
  readonly status: RunStatus
  readonly reason?: string | undefined
  /** Set where something was thrown or given to `setError`; may be `undefined`, which can be thrown too. */
  readonly failure?: { readonly error: unknown } | undefined
  readonly endTime?: TimeInput | undefined
}

/** What a part is made with: options of a run, or none. */
export interface PartInit<I> {
  readonly conversationId?: string | undefined
  readonly userId?: string | undefined
  readonly input?: I | undefined
  readonly signal?: AbortSignal | undefined
  readonly streamIdleMillis?: number | undefined
  readonly abandonAfterMillis?: number | undefined
  readonly budget?: RunBudget | undefined
  readonly onEnd?: ((summary: RunSummary) => void) | undefined
}

/**
 * A run, or a joined part of one: what `currentRun()` returns, what the registry watches, and what a returned stream
 * keeps open. It is one object, because a run is made for every turn of every agent.
 *
 * - made: ids are known, nothing has started.
 * - started: the root span exists; entered by {@link started}.
 * - ended: entered once, by the return, failure or end of a stream, by `end`, `endRun`, disposal or the sweeper.
 *   Nothing is written after it.
 */
export abstract class RunPart<I = unknown> implements Run<I>, RunEntry, Followed {
  runId: string
  tally: RunTally | undefined = undefined
  abstract activity: number
  previous: RunEntry | undefined = undefined
  next: RunEntry | undefined = undefined
  isIndexed = false
  isListed = false
  readonly tracer: Tracer
  abstract readonly joined: boolean

  otelSpan!: Span
  context!: Context
  /** Set where no span keeps the time. */
  #startUnixMillis = 0
  protected selfReported: Usage | undefined
  readonly #init: PartInit<I>
  #interrupter: AbortController | undefined
  #isInterrupted = false
  #overBudget: Error | undefined
  #signal: AbortSignal | undefined
  #outputSet = false
  #failure: { readonly error: unknown } | undefined
  #status: Exclude<RunStatus, 'abandoned'> | undefined
  #statusReason: string | undefined
  #ending: Ending | undefined
  #summary: RunSummary | undefined
  #ended: Promise<RunSummary> | undefined
  #resolveEnded: ((summary: RunSummary) => void) | undefined

  constructor(runId: string, tracer: Tracer, init: PartInit<I>) {
    this.runId = runId
    this.tracer = tracer
    this.#init = init
  }

  get conversationId(): string | undefined {
    return this.#init.conversationId
  }

  get userId(): string | undefined {
    return this.#init.userId
  }

  get idleMillis(): number {
    return this.#init.streamIdleMillis ?? shared().settings.streamIdleMillis
  }

  get callerSignal(): AbortSignal | undefined {
    return this.#init.signal
  }

  get abandonAfterMillis(): number {
    return this.#init.abandonAfterMillis ?? shared().settings.abandonAfterMillis
  }

  get budget(): RunBudget | undefined {
    return this.#init.budget
  }

  stopForBudget(error: Error): void {
    if (this.#overBudget !== undefined || this.#ending !== undefined) return
    this.#overBudget = error
    const interrupter = this.#interrupter
    if (interrupter !== undefined) guarded('a listener of run.signal', () => interrupter.abort(error))
  }

  /** Takes the root span in. */
  protected started(span: Span, context: Context): void {
    this.otelSpan = span
    this.context = context
    if ((span as { startTime?: unknown }).startTime === undefined)
      this.#startUnixMillis = shared().clock.nowUnixMillis()
    setHandle(span, this)
  }

  get rootContext(): SpanContext | undefined {
    const context = this.otelSpan?.spanContext()
    return context !== undefined && isSpanContextValid(context) ? context : undefined
  }

  /** When the part started, by this process's clock. */
  protected get startUnixMillis(): number {
    return startUnixMillisOf(this.otelSpan) ?? this.#startUnixMillis
  }

  get spanId(): string {
    return this.otelSpan.spanContext().spanId
  }

  get recorded(): boolean {
    if (this.#ending === undefined) return this.otelSpan.isRecording()
    return this.tally !== undefined || (this.otelSpan.spanContext().traceFlags & 1) === 1
  }

  get input(): I {
    return this.#init.input as I
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#interrupter = new AbortController()
      this.#signal =
        this.#init.signal === undefined
          ? this.#interrupter.signal
          : AbortSignal.any([this.#init.signal, this.#interrupter.signal])
      if (this.#isInterrupted) this.#abort(this.#interrupter)
      if (this.#overBudget !== undefined) this.#interrupter.abort(this.#overBudget)
    }
    return this.#signal
  }

  get totals(): RunTotals {
    return this.tally?.snapshot() ?? noTotals
  }

  get progress(): RunProgress {
    return this.tally?.progress() ?? noProgress
  }

  get ref(): RunRef {
    // Whoever takes the ref may work on this run elsewhere, and its numbers do not come back by themselves.
    this.tally?.markIncomplete('shared')
    return this.makeRef()
  }

  /** The ref, for purposes of our own. */
  abstract makeRef(): RunRef

  /** The first run of the family, where it is known. */
  abstract get rootRunId(): string | undefined

  get ended(): Promise<RunSummary> {
    if (this.#ended === undefined) {
      this.#ended =
        this.#ending === undefined
          ? new Promise((resolve) => {
              this.#resolveEnded = resolve
            })
          : Promise.resolve(this.summary())
    }
    return this.#ended
  }

  /** Whether the root span is a tool call: a run's is not. */
  protected get isTool(): boolean {
    return false
  }

  setInput(value: unknown): this {
    recordContent(this.otelSpan, inputKeyOf(value, this.isTool), value)
    return this
  }

  setOutput(value: unknown): this {
    this.#outputSet = true
    recordContent(this.otelSpan, outputKeyOf(value, this.isTool), value)
    return this
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.otelSpan.setAttribute(key, value)
    return this
  }

  /** A total that the agent itself reports: it counts only if no model call below reported any. */
  setUsage(usage: Usage): this {
    this.selfReported = usage
    return this
  }

  setError(error: unknown): this {
    this.#failure = { error }
    return this
  }

  setMetadata(metadata: Readonly<Record<string, unknown>>): this {
    recordMetadata(this.otelSpan, metadata)
    return this
  }

  setStatus(status: Exclude<RunStatus, 'abandoned'>, reason?: string): this {
    this.#status = status
    this.#statusReason = reason
    return this
  }

  event(name: string, attributes?: Attributes): this {
    this.otelSpan.addEvent(name, eventAttributes(attributes))
    return this
  }

  addLink(link: RunLink): this {
    const checked = toLink(link)
    if (checked !== undefined) this.otelSpan.addLink(checked)
    return this
  }

  spawn(
    agentName: string,
    options?: { readonly goal?: string; readonly metadata?: Readonly<Record<string, unknown>> },
  ): RunRef {
    return spawnChild(this, agentName, options)
  }

  span<R>(name: string, fn: (span: WorkSpan) => R, options?: SpanInit): R {
    return runSpanIn(contextOfPart(this), this.tracer, name, options?.type ?? 'function', options ?? {}, fn)
  }

  completed(value?: unknown): void {
    if (this.#ending !== undefined) return
    if (value !== undefined && !this.#outputSet && recordsAll()) this.setOutput(value)
    this.finish(this.endingOfReturn())
  }

  failed(error: unknown): void {
    rememberRunOf(error, this.runId)
    if (this.#ending !== undefined) return
    const overBudget = this.#overBudget
    // However the code passes on that its signal has aborted: it was stopped for its budget.
    if (overBudget !== undefined && (error === overBudget || kindOfFailure(error, this.#signal) === 'cancelled')) {
      this.finish({ status: this.#status ?? 'failed', reason: budgetReason, failure: { error: overBudget } })
      return
    }
    // A status that the code chose stays, unless it claims that a run which threw has completed.
    const status =
      this.#status === undefined || this.#status === 'completed'
        ? kindOfFailure(error, this.#init.signal)
        : this.#status
    this.finish({ status, reason: this.#statusReason, failure: { error } })
  }

  stopped(reason: StopReason): void {
    if (this.#ending !== undefined) return
    const { signal } = this.#init
    const stopped = signal?.aborted === true ? kindOfFailure(signal.reason, signal) : 'cancelled'
    this.finish({ status: reason === 'stream_idle' ? 'abandoned' : stopped, reason })
  }

  abandon(reason: string): void {
    const { signal } = this.#init
    // A run that its caller has cancelled was not abandoned, even where it is told to end before it could say so.
    if (signal?.aborted === true) this.interrupt({ status: kindOfFailure(signal.reason, signal), reason })
    else this.interrupt({ status: 'abandoned', reason })
  }

  /** Ends the part while its function may still run: whoever listens to `signal`, now or later, is told. */
  protected interrupt(ending: Ending): void {
    this.finish(ending)
    this.#isInterrupted = true
    if (this.#interrupter !== undefined) this.#abort(this.#interrupter)
  }

  #abort(interrupter: AbortController): void {
    guarded('a listener of run.signal', () =>
      interrupter.abort(new DOMException(`run ${this.runId} has ended: ${this.#ending?.status}`, 'AbortError')),
    )
  }

  /** Ends the part, once. */
  protected finish(ending: Ending): void {
    if (this.#ending !== undefined) {
      count('endsIgnored', `run ${this.runId} was ended twice; the first end stands.`)
      return
    }
    this.#ending = ending
    try {
      this.write(ending)
    } catch (error) {
      count('internalErrors', `failed to write the end of run ${this.runId}`, error)
      endQuietly(this.otelSpan)
      forget(this, !this.joined)
    }
    this.#resolveEnded?.(this.summary())
    const { onEnd } = this.#init
    if (onEnd !== undefined) guarded('onEnd', () => onEnd(this.summary()))
  }

  /** Writes the end onto the root span and ends it. */
  protected abstract write(ending: Ending): void

  protected get isEnded(): boolean {
    return this.#ending !== undefined
  }

  /** The summary, made when somebody asks for it. */
  summary(): RunSummary {
    if (this.#summary === undefined) {
      const ending = this.#ending ?? { status: 'abandoned' as const }
      const summary = {
        runId: this.runId,
        status: ending.status,
        durationMillis: durationMillisOf(this.otelSpan) ?? shared().clock.nowUnixMillis() - this.startUnixMillis,
        totals: this.totals,
      }
      this.#summary = ending.failure === undefined ? summary : { ...summary, error: ending.failure.error }
    }
    return this.#summary
  }

  /** How the part ends where nothing is thrown: as the code said with `setStatus` or `setError`, else completed. */
  protected endingOfReturn(given?: RunStatus): Ending {
    const failure = this.#failure
    const status =
      given ?? this.#status ?? (failure === undefined ? 'completed' : kindOfFailure(failure.error, this.#init.signal))
    const reason = this.#statusReason ?? (this.#overBudget === undefined ? undefined : budgetReason)
    return { status, reason, failure }
  }
}

const budgetReason = 'budget_exceeded'
