import { redactText, type TextRules } from '../redaction/text-redactor.ts'
import { shrinkText } from './shrink-text.ts'
import { measureText, type MeasuredText } from './truncation-mark.ts'

/** Work on a text that takes longer than the application's thread should be held. */
export interface LargeTextJob {
  readonly text: string
  /** What to look for; nothing where that is done. */
  readonly rules: TextRules | undefined
  /** How much may be left; nothing where the whole text is wanted. */
  readonly maxSizeBytes: number | undefined
}

/** What came of it. */
export interface LargeTextResult {
  readonly text: string
  /** The text after redaction and before it was shortened. */
  readonly original: MeasuredText
}

/** What the thread says: once that it is ready, then what came of each job. */
export type ThreadMessage = 'ready' | { readonly id: number; readonly result: LargeTextResult | undefined }

/** Does the job, on whichever thread. */
export function doLargeTextJob({ text, rules, maxSizeBytes }: LargeTextJob): LargeTextResult {
  const clean = rules === undefined ? text : redactText(text, rules)
  const original = measureText(clean)
  return { text: maxSizeBytes === undefined ? clean : shrinkText(clean, maxSizeBytes, original), original }
}
