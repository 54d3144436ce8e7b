import type { Attributes, AttributeValue, Context, Span } from '@opentelemetry/api'

import { ATTR_GEN_AI_OPERATION_NAME, ATTR_RUNSPAN_END_REASON } from '../attributes.ts'
import { eventAttributes, inputKeyOf, outputKeyOf, recordContent, recordsAll } from './content.ts'
import { directAttributes } from './direct-attributes.ts'
import { kindOfFailure, recordFailure } from './failure.ts'
import type { Followed, StopReason } from './follow/followed.ts'
import { runOfContext } from './run-context.ts'
import { shared } from './shared.ts'
import { setHandle, stateOf } from './span-state.ts'
import { count } from './stats.ts'
import type { WorkSpan, WorkType } from './types.ts'
import { type CallUsage, writeUsage } from './usage-attributes.ts'

/** A span of ours while its work goes on; what a callback gets as `span`. */
export class SpanHandle implements WorkSpan, Followed {
  readonly otelSpan: Span
  /** The context in which the work runs. */
  readonly context: Context
  readonly #type: WorkType
  readonly #signal: AbortSignal | undefined
  #outputSet = false
  #errorSet = false
  #ended = false

  constructor(span: Span, context: Context, type: WorkType, signal?: AbortSignal) {
    this.otelSpan = span
    this.context = context
    this.#type = type
    this.#signal = signal
    setHandle(span, this)
  }

  get spanId(): string {
    return this.otelSpan.spanContext().spanId
  }

  /** How long a stream that this work returned may lie unread, in milliseconds. */
  get idleMillis(): number {
    return shared().settings.streamIdleMillis
  }

  /** What the work is cancelled with: its own signal, else the run's. */
  get callerSignal(): AbortSignal | undefined {
    return this.#signal ?? runOfContext(this.context)?.callerSignal
  }

  setInput(value: unknown): this {
    recordContent(this.otelSpan, inputKeyOf(value, this.#type === 'tool'), value)
    return this
  }

  setOutput(value: unknown): this {
    this.#outputSet = true
    recordContent(this.otelSpan, outputKeyOf(value, this.#type === 'tool'), value)
    return this
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.otelSpan.setAttribute(key, value)
    return this
  }

  setUsage(usage: CallUsage): this {
    // An agent repeats what its model calls report: under gen_ai.usage.* it would be summed again by every backend.
    if (this.#type === 'agent') {
      const state = stateOf(this.otelSpan)
      if (state !== undefined) state.selfReported = usage
      return this
    }
    const store = directAttributes(this.otelSpan, ATTR_GEN_AI_OPERATION_NAME)
    const attributes = store ?? {}
    writeUsage(attributes, usage)
    if (store === undefined) this.otelSpan.setAttributes(attributes)
    return this
  }

  setError(error: unknown): this {
    this.#errorSet = true
    const kind = kindOfFailure(error, this.callerSignal)
    recordFailure(this.otelSpan, error, kind === 'timeout' ? 'timeout' : 'failed')
    return this
  }

  event(name: string, attributes?: Attributes): this {
    this.otelSpan.addEvent(name, eventAttributes(attributes))
    return this
  }

  /** Whether the span has ended, so that nothing can be said about it any more. */
  get ended(): boolean {
    return this.#ended
  }

  completed(value?: unknown): void {
    if (this.#ended) return
    try {
      this.beforeEnd(value)
      if (value !== undefined && !this.#outputSet && recordsAll()) this.setOutput(value)
    } catch (error) {
      countUnwritten(error)
    }
    this.#end()
  }

  failed(error: unknown): void {
    if (this.#ended) return
    try {
      this.beforeEnd(undefined)
      // Where the run was told to stop, what its signal gives as the reason is no failure of the work.
      const kind = kindOfFailure(error, this.callerSignal)
      if (kind === 'cancelled') this.otelSpan.setAttribute(ATTR_RUNSPAN_END_REASON, 'cancelled')
      else if (!this.#errorSet) recordFailure(this.otelSpan, error, kind)
    } catch (own) {
      countUnwritten(own)
    }
    this.#end()
  }

  stopped(reason: StopReason): void {
    if (this.#ended) return
    try {
      this.beforeEnd(undefined)
      this.otelSpan.setAttribute(ATTR_RUNSPAN_END_REASON, reason)
    } catch (error) {
      countUnwritten(error)
    }
    this.#end()
  }

  /** The last look at the span before it ends: at what its work returned, if it returned anything. */
  protected beforeEnd(_value: unknown): void {}

  #end(): void {
    this.#ended = true
    endQuietly(this.otelSpan)
  }
}

/** A span of somebody else's tracer may throw at anything; what the work returned or threw passes all the same. */
function countUnwritten(error: unknown): void {
  count('internalErrors', 'failed to write the end of a span; it ends without', error)
}

/** Ends a span; a processor of somebody else's that throws is counted and reaches nobody. */
export function endQuietly(span: Span, endTime?: Parameters<Span['end']>[0]): void {
  try {
    span.end(endTime)
  } catch (error) {
    count('internalErrors', 'a span processor threw while a span ended', error)
  }
}
