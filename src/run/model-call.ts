import { ATTR_GEN_AI_RESPONSE_FINISH_REASONS, ATTR_GEN_AI_RESPONSE_ID } from '../attributes.ts'
import { type CallReport, readCallReport } from './provider-usage.ts'
import type { SpanHandle } from './span-handle.ts'
import { guarded } from './stats.ts'
import type { LlmInit } from './types.ts'

/**
 * Reads what a model call reports about itself while its span is open: from the value it returns, or chunk by chunk
 * from its stream, where later chunks add to or replace what earlier ones said.
 */
export function followCall<R>(work: SpanHandle, init: LlmInit<unknown>, call: (work: SpanHandle) => R): R {
  let streamed: CallReport | undefined
  work.observe({
    chunk(chunk) {
      const report = safely(chunk)
      if (report !== undefined) streamed = streamed === undefined ? report : merged(streamed, report)
    },
    value(value) {
      let report = value === undefined ? undefined : safely(value)
      const own =
        init.extractUsage === undefined || value === undefined
          ? undefined
          : guarded('extractUsage', () => init.extractUsage!(value))
      if (own !== undefined) report = report === undefined ? own : merged(report, own)
      if (streamed !== undefined) report = report === undefined ? streamed : merged(streamed, report)
      if (report !== undefined) write(work, report)
    },
  })
  return call(work)
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

function write(work: SpanHandle, report: CallReport): void {
  work.setUsage(report)
  if (report.responseId !== undefined) work.setAttribute(ATTR_GEN_AI_RESPONSE_ID, report.responseId)
  if (report.finishReasons !== undefined)
    work.setAttribute(ATTR_GEN_AI_RESPONSE_FINISH_REASONS, [...report.finishReasons])
}
