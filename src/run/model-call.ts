import type { Context, Span } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_RESPONSE_FINISH_REASONS,
  ATTR_GEN_AI_RESPONSE_ID,
  ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
} from '../attributes.ts'
import { type CallReport, readCallReport } from './provider-usage.ts'
import { shared } from './shared.ts'
import { SpanHandle } from './span-handle.ts'
import { startUnixMillisOf } from './span-time.ts'
import { guarded } from './stats.ts'
import type { LlmInit } from './types.ts'

/**
 * A model call while its span is open. It reads what the call reports about itself: from the value it returns, or chunk
 * by chunk from its stream, where later chunks add to or replace what earlier ones said.
 */
export class ModelCall extends SpanHandle {
  readonly #extractUsage: LlmInit<unknown>['extractUsage']
  #streamed: CallReport | undefined
  #hasStreamed = false

  constructor(span: Span, context: Context, init: LlmInit<unknown>) {
    super(span, context, 'llm')
    this.#extractUsage = init.extractUsage
  }

  chunk(chunk: unknown): void {
    if (!this.#hasStreamed) {
      this.#hasStreamed = true
      const millis = shared().clock.nowUnixMillis() - (startUnixMillisOf(this.otelSpan) ?? Number.NaN)
      if (millis >= 0) this.setAttribute(ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, millis / 1000)
    }
    const report = safely(chunk)
    if (report !== undefined) this.#streamed = this.#streamed === undefined ? report : merged(this.#streamed, report)
  }

  protected override beforeEnd(value: unknown): void {
    const streamed = this.#streamed
    let report = streamed
    if (value !== undefined) {
      const read = safely(value)
      if (read !== undefined) report = streamed === undefined ? read : merged(streamed, read)
      const extract = this.#extractUsage
      const own = extract === undefined ? undefined : guarded('extractUsage', () => extract(value))
      if (own !== undefined) report = report === undefined ? own : merged(report, own)
    }
    if (report === undefined) return
    this.setUsage(report)
    if (report.responseId !== undefined) this.setAttribute(ATTR_GEN_AI_RESPONSE_ID, report.responseId)
    if (report.finishReasons !== undefined) {
      this.setAttribute(ATTR_GEN_AI_RESPONSE_FINISH_REASONS, [...report.finishReasons])
    }
  }
}

/** What `later` says, and what `earlier` said where it says nothing. */
function merged(earlier: CallReport, later: CallReport): CallReport {
  const said = Object.entries(later).filter(([, value]) => value !== undefined)
  return { ...earlier, ...Object.fromEntries(said) }
}

/** Results are other people's objects: a getter that throws is no usage. */
function safely(value: unknown): CallReport | undefined {
  try {
    return readCallReport(value)
  } catch {
    return undefined
  }
}
