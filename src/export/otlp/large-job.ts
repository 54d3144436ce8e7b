import { redactText, type TextRules } from '../redaction/text-redactor.ts'
import { shrinkBytes } from './shrink-bytes.ts'
import type { ShrunkSpan } from './shrink-draft.ts'
import { shrinkText } from './shrink-text.ts'
import type { SpanEncoding } from './span-encoding.ts'
import { measureText, type MeasuredText } from './truncation-mark.ts'

/** A text that takes longer than the application's thread should be held. */
export interface LargeText {
  readonly text: string
  /** What to look for; nothing where that is done. */
  readonly rules: TextRules | undefined
  /** How much may be left; nothing where the whole text is wanted. */
  readonly maxSizeBytes: number | undefined
}

/** What came of a text. */
export interface LargeTextResult {
  readonly text: string
  /** The text after redaction and before it was shortened. */
  readonly original: MeasuredText
}

/** A span that is too large. */
export interface LargeSpan {
  readonly bytes: Uint8Array
  readonly contentType: SpanEncoding['contentType']
  readonly maxSizeBytes: number
}

/** What came of a span: nothing where nothing that may be cut is left. */
export interface LargeSpanResult {
  readonly shrunk: ShrunkSpan | undefined
}

/** Work that is done on another thread. */
export type LargeJob = LargeText | LargeSpan
/** What came of it. */
export type LargeJobResult = LargeTextResult | LargeSpanResult

/** What the thread says: once that it is ready, then what came of each job, which is nothing where one failed. */
export type ThreadMessage = 'ready' | { readonly id: number; readonly result: LargeJobResult | undefined }

/** Does a job, on whichever thread. */
export function doLargeJob(job: LargeJob): LargeJobResult {
  if ('bytes' in job) return { shrunk: shrinkBytes(job.bytes, job.contentType, job.maxSizeBytes) }
  const { text, rules, maxSizeBytes } = job
  const clean = rules === undefined ? text : redactText(text, rules)
  const original = measureText(clean)
  return { text: maxSizeBytes === undefined ? clean : shrinkText(clean, maxSizeBytes, original), original }
}
