import { count } from '../../run/stats.ts'
import { redactionFailed, type Redaction } from '../redaction/redaction.ts'
import type { ExportableSpan } from './exportable-span.ts'
import type { LargeTextJob, LargeTextResult } from './large-text-job.ts'
import { LargeTexts } from './large-texts.ts'
import type { LargeText, Offload, OutgoingValues, PreparedText } from './outgoing-values.ts'

const shared = new LargeTexts()

/** Bytes of text that are in the worker thread. */
export function pendingLargeTextBytes(): number {
  return shared.pendingSizeBytes
}

/** What large texts of one destination go through: rules and shortening elsewhere, the application's functions here. */
export class LargeTextPreparation {
  readonly #redaction: Redaction | undefined
  readonly #values: OutgoingValues
  readonly #hasOffload: boolean
  readonly #texts: LargeTexts

  constructor(redaction: Redaction | undefined, values: OutgoingValues, offload: Offload | undefined, texts = shared) {
    this.#redaction = redaction
    this.#values = values
    this.#hasOffload = offload !== undefined
    this.#texts = texts
  }

  /** Never rejects. */
  prepare(texts: readonly LargeText[], span: ExportableSpan): Promise<readonly PreparedText[]> {
    return Promise.all(texts.map((text) => this.#prepareOne(text, span)))
  }

  async #prepareOne({ text, key }: LargeText, span: ExportableSpan): Promise<PreparedText> {
    const maxSizeBytes = this.#values.maxValueSizeBytes
    const needsWhole = this.#hasOffload || this.#redaction?.hasFunction === true
    const rules = this.#redaction?.rules
    let done = await this.#texts.run({ text, rules, maxSizeBytes: needsWhole ? undefined : maxSizeBytes })
    if (done !== undefined && needsWhole) done = await this.#finish(done, key, span)
    if (done === undefined) {
      count('redactionErrors', `the value of ${key}, ${text.length} characters, took too long; a marker left instead.`)
      return { text, key, result: redactionFailed, isShortened: true }
    }
    return { text, key, result: done.text, isShortened: done.original.sizeBytes > maxSizeBytes }
  }

  async #finish(
    { text, original }: LargeTextResult,
    key: string,
    span: ExportableSpan,
  ): Promise<LargeTextResult | undefined> {
    const maxSizeBytes = this.#values.maxValueSizeBytes
    const final = this.#redaction?.byFunction(text, key) ?? text
    const job: LargeTextJob = { text: final, rules: undefined, maxSizeBytes }
    if (!this.#hasOffload) return this.#texts.run(job)
    const measured = final === text ? original : (await this.#texts.run({ ...job, maxSizeBytes: undefined }))?.original
    if (measured === undefined || measured.sizeBytes <= maxSizeBytes)
      return measured && { text: final, original: measured }
    const offloaded = this.#values.offloaded(final, key, measured, span)
    return offloaded === undefined ? this.#texts.run(job) : { text: offloaded, original: measured }
  }
}
