import type { Context, Span, Tracer } from '@opentelemetry/api'

import { ATTR_RUNSPAN_END_REASON, ATTR_RUNSPAN_SEGMENT } from '../attributes.ts'
import { redacted } from './content.ts'
import { directAttributes } from './direct-attributes.ts'
import { writeFailedEnding } from './failed-ending.ts'
import { forget } from './registry.ts'
import type { RunEntry } from './run-entry.ts'
import { type Ending, RunPart, type PartInit } from './run-part.ts'
import { endQuietly } from './span-handle.ts'
import type { RunRef } from './types.ts'

/** What a segment is made with. */
export interface SegmentInit extends PartInit<unknown> {
  readonly ref: RunRef
  /** The run itself, where this process has it open: what goes on here keeps it alive. */
  readonly local: RunEntry | undefined
  readonly isTool: boolean
  /** The last look at the span before it ends: a middleware names it by its route, say. */
  readonly onWrite: ((span: Span) => void) | undefined
}

/** A joined part of a run that is owned elsewhere. It may say things about its own segment, never about the run's root. */
export class Segment extends RunPart {
  readonly joined = true
  readonly #segment: SegmentInit
  #activity = 0

  constructor(tracer: Tracer, init: SegmentInit) {
    super(init.ref.runId, tracer, init)
    this.#segment = init
  }

  opened(span: Span, ctx: Context): void {
    this.started(span, ctx)
    this.activity++
  }

  get local(): RunEntry | undefined {
    return this.#segment.local
  }

  get activity(): number {
    return this.local?.activity ?? this.#activity
  }

  set activity(activity: number) {
    const { local } = this
    if (local === undefined) this.#activity = activity
    else local.activity = activity
  }

  protected override get isTool(): boolean {
    return this.#segment.isTool
  }

  get rootRunId(): string | undefined {
    return this.#segment.ref.rootRunId
  }

  /** The run's ref, without the right to end it and without ids: neither is for the part to pass on. */
  makeRef(): RunRef {
    const { handedOff: _handedOff, conversationId: _conversationId, userId: _userId, ...ref } = this.#segment.ref
    return ref
  }

  /** Whether the code gave the segment a total of its own, which counts only if nothing below it did. */
  get reportsItself(): boolean {
    return this.selfReported !== undefined
  }

  /** Ends the segment because its caller has gone away: whoever listens to `run.signal` is told. */
  callerGone(): void {
    this.interrupt({ status: 'cancelled', reason: 'cancelled' })
  }

  protected write(ending: Ending): void {
    const span = this.otelSpan
    const { status, reason } = ending
    this.activity++
    const isError = status === 'failed' || status === 'timeout' || status === 'abandoned'
    if (isError) writeFailedEnding(span, ending)
    if (status === 'cancelled' || status === 'abandoned') {
      const text = redacted(reason ?? status, ATTR_RUNSPAN_END_REASON)
      if (text !== undefined) span.setAttribute(ATTR_RUNSPAN_END_REASON, text)
    }
    this.#segment.onWrite?.(span)
    const store = directAttributes(span, ATTR_RUNSPAN_SEGMENT)
    const attributes = store ?? {}
    this.tally?.close(attributes, this.selfReported, isError)
    if (store === undefined) span.setAttributes(attributes)
    endQuietly(span, ending.endTime)
    forget(this, false)
  }
}
