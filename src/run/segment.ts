import { SpanStatusCode, type Context, type Span, type Tracer } from '@opentelemetry/api'

import { ATTR_ERROR_TYPE, ATTR_RUNSPAN_END_REASON, ATTR_RUNSPAN_SEGMENT } from '../attributes.ts'
import { redacted } from './content.ts'
import { directAttributes } from './direct-attributes.ts'
import { recordFailure } from './failure.ts'
import { forget } from './registry.ts'
import type { RunEntry } from './run-entry.ts'
import { type Ending, RunPart, type PartInit } from './run-part.ts'
import { endQuietly } from './span-handle.ts'
import type { RunRef } from './types.ts'

/** A joined part of a run that is owned elsewhere. It may say things about its own segment, never about the run's root. */
export class Segment extends RunPart {
  readonly joined = true
  readonly #target: RunRef
  /** The run itself, where this process has it open: what goes on here keeps it alive. */
  readonly #local: RunEntry | undefined
  #activity = 0
  readonly #onWrite: ((span: Span) => void) | undefined

  /** @param onWrite the last look at the span before it ends: a middleware names it by its route, say */
  constructor(
    tracer: Tracer,
    init: PartInit<unknown>,
    target: RunRef,
    local: RunEntry | undefined,
    onWrite?: (span: Span) => void,
  ) {
    super(target.runId, tracer, init)
    this.#target = target
    this.#local = local
    this.#onWrite = onWrite
  }

  opened(span: Span, ctx: Context): void {
    this.started(span, ctx)
    this.activity++
  }

  get activity(): number {
    return this.#local?.activity ?? this.#activity
  }

  set activity(activity: number) {
    if (this.#local === undefined) this.#activity = activity
    else this.#local.activity = activity
  }

  get rootRunId(): string | undefined {
    return this.#target.rootRunId
  }

  /** The run's ref, without the right to end it: that is not for the part to pass on. */
  makeRef(): RunRef {
    const { handedOff: _, ...ref } = this.#target
    return ref
  }

  protected write(ending: Ending): void {
    const span = this.otelSpan
    const { status, reason, failure } = ending
    this.activity++
    const isError = status === 'failed' || status === 'timeout' || status === 'abandoned'
    if (failure !== undefined && (status === 'failed' || status === 'timeout'))
      recordFailure(span, failure.error, status)
    else if (isError) {
      const message = reason === undefined ? undefined : redacted(reason, 'status.message')
      span.setAttribute(ATTR_ERROR_TYPE, status === 'failed' ? '_OTHER' : status)
      span.setStatus(message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message })
    }
    if (status === 'cancelled' || status === 'abandoned') {
      const text = redacted(reason ?? status, ATTR_RUNSPAN_END_REASON)
      if (text !== undefined) span.setAttribute(ATTR_RUNSPAN_END_REASON, text)
    }
    this.#onWrite?.(span)
    const store = directAttributes(span, ATTR_RUNSPAN_SEGMENT)
    const attributes = store ?? {}
    this.tally?.close(attributes, this.selfReported, isError)
    if (store === undefined) span.setAttributes(attributes)
    endQuietly(span, ending.endTime)
    forget(this, false)
  }
}
