import { count } from '../../run/stats.ts'
import { redactionFailed, type Redaction } from '../redaction/redaction.ts'
import type { ExportableSpan } from './exportable-span.ts'
import type { LargeText, LargeTextResult } from './large-job.ts'
import type { LargeJobs } from './large-jobs.ts'
import type { MetText, Offload, OutgoingValues, PreparedText } from './outgoing-values.ts'

/** What large texts of one destination go through: rules and shortening elsewhere, the application's functions here. */
export class LargeTextPreparation {
  readonly #redaction: Redaction | undefined
  readonly #values: OutgoingValues
  readonly #hasOffload: boolean
  readonly #jobs: LargeJobs

  constructor(redaction: Redaction | undefined, values: OutgoingValues, offload: Offload | undefined, jobs: LargeJobs) {
    this.#redaction = redaction
    this.#values = values
    this.#hasOffload = offload !== undefined
    this.#jobs = jobs
  }

  /** Never rejects. */
  prepare(texts: readonly MetText[], span: ExportableSpan): Promise<readonly PreparedText[]> {
    return Promise.all(texts.map((text) => this.#prepareOne(text, span)))
  }

  async #prepareOne({ text, key }: MetText, span: ExportableSpan): Promise<PreparedText> {
    const maxSizeBytes = this.#values.maxValueSizeBytes
    const needsWhole = this.#hasOffload || this.#redaction?.hasFunction === true
    const rules = this.#redaction?.rules
    let done = await this.#jobs.run({ text, rules, maxSizeBytes: needsWhole ? undefined : maxSizeBytes })
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
    const job: LargeText = { text: final, rules: undefined, maxSizeBytes }
    if (!this.#hasOffload) return this.#jobs.run(job)
    const measured = final === text ? original : (await this.#jobs.run({ ...job, maxSizeBytes: undefined }))?.original
    if (measured === undefined || measured.sizeBytes <= maxSizeBytes)
      return measured && { text: final, original: measured }
    const offloaded = this.#values.offloaded(final, key, measured, span)
    return offloaded === undefined ? this.#jobs.run(job) : { text: offloaded, original: measured }
  }
}
