import { count } from '../../run/stats.ts'
import { hidden } from '../redaction/hide-members.ts'
import type { Redaction } from '../redaction/redaction.ts'
import type { ExportableSpan } from './exportable-span.ts'
import { shrinkText } from './shrink-text.ts'
import { jsonMark, measureText, type MeasuredText } from './truncation-mark.ts'
import type { KeyRule, ValueFilter } from './value-filter.ts'

/** Where a value stood that is too large to be sent. */
export interface OffloadSite {
  /** The attribute key, or `status.message`. */
  readonly key: string
  /** Empty for attributes of a resource. */
  readonly traceId: string
  /** Empty for attributes of a resource. */
  readonly spanId: string
  /** Size of the value in UTF-8, after redaction. */
  readonly sizeBytes: number
  /** SHA-256 of the value, after redaction, in hexadecimal digits. */
  readonly sha256: string
}

/**
 * Keeps a value elsewhere that is too large to be sent, after redaction. Returns where it is found again, which is sent
 * in its place, or nothing to have it shortened. It must return at once and may store the value afterwards.
 */
export type Offload = (value: string, site: OffloadSite) => string | undefined

/** A text that has to be looked at in a worker thread. */
export interface MetText {
  readonly text: string
  readonly key: string
}

/** What became of a large text. */
export interface PreparedText extends MetText {
  readonly result: string
  readonly isShortened: boolean
}

/** Texts from here on are looked at in a worker thread, in UTF-16 code units; also where one span has so much in all. */
export const largeTextLength = 256 * 1024
/** Shorter texts are looked at here in any case. */
const shortTextLength = 8 * 1024

/** Longest name of a span, an event, an attribute or a scope, in UTF-16 code units. */
const maxNameLength = 1024
const maxRememberedNames = 1024

/** Redaction first, then budgets: what is cut off was looked at whole, and no half of a secret is left. */
export class OutgoingValues implements ValueFilter {
  readonly hidden = hidden
  readonly maxValueSizeBytes: number
  readonly #redaction: Redaction | undefined
  readonly #offload: Offload | undefined
  readonly #names = new Map<string, string>()
  #span: ExportableSpan | undefined
  #truncatedCount = 0
  /** Whether large texts are to be looked at elsewhere. */
  #isDeferring = false
  /** Those that were met. */
  #deferred: MetText[] | undefined
  /** How much text of this span is looked at here. */
  #lengthHere = 0
  /** What became of them there. */
  #prepared: readonly PreparedText[] = []

  constructor(redaction: Redaction | undefined, maxValueSizeBytes: number, offload: Offload | undefined) {
    this.#redaction = redaction
    this.maxValueSizeBytes = maxValueSizeBytes
    this.#offload = offload
  }

  get truncatedCount(): number {
    return this.#truncatedCount
  }

  ruleOf(key: string): KeyRule {
    return this.#redaction?.verdictOn(key) ?? 'check'
  }

  begin(span: ExportableSpan | undefined): void {
    this.#span = span
    this.#truncatedCount = 0
  }

  text(text: string, key: string): string {
    if (text.length > shortTextLength) {
      const prepared = this.#fromElsewhere(text, key)
      if (prepared !== undefined) return prepared
    }
    const clean = this.#redaction === undefined ? text : this.#redaction.text(text, key)
    // A UTF-16 code unit takes at most three bytes, so most texts need no counting.
    return clean.length * 3 <= this.maxValueSizeBytes ? clean : this.#inBudget(clean, key)
  }

  value(value: object, key: string): unknown {
    return this.#redaction === undefined ? value : this.#redaction.value(value, key)
  }

  shrunk(value: unknown, key: string): string {
    this.#truncatedCount++
    if (value instanceof Uint8Array) return JSON.stringify(jsonMark(measureText(Buffer.from(value).toString('base64'))))
    return this.#shortened(JSON.stringify(value) ?? '', key)
  }

  name(name: string, site: string): string {
    if (typeof name !== 'string') return ''
    const known = this.#names.get(name)
    if (known !== undefined && this.#redaction?.hasFunction !== true) return known
    const clean = site === 'key' ? this.#redaction?.byRules(name, site) : this.#redaction?.text(name, site)
    let result = clean ?? name
    if (result.length > maxNameLength) {
      result = `${result.slice(0, maxNameLength)}…`
      this.#truncatedCount++
    } else if (name.length <= maxNameLength) {
      if (this.#names.size >= maxRememberedNames) this.#names.clear()
      this.#names.set(name, result)
    }
    return result
  }

  traceState(text: string): string {
    return this.#redaction === undefined || this.#redaction.byRules(text, 'trace_state') === text ? text : ''
  }

  /** Leaves large texts for later, until {@link stopDeferring}. */
  startDeferring(): void {
    this.#isDeferring = true
    this.#lengthHere = 0
  }

  /** @returns the texts that were left, or nothing where there were none and what was encoded is whole */
  stopDeferring(): readonly MetText[] | undefined {
    const deferred = this.#deferred
    this.#isDeferring = false
    this.#deferred = undefined
    return deferred
  }

  /** Encodes with what became of large texts elsewhere. */
  with<R>(prepared: readonly PreparedText[], encode: () => R): R {
    this.#prepared = prepared
    try {
      return encode()
    } finally {
      this.#prepared = []
    }
  }

  /** What the offload hook makes of a text that is too large. */
  offloaded(text: string, key: string, original: MeasuredText, span: ExportableSpan | undefined): string | undefined {
    if (this.#offload === undefined) return undefined
    const { traceId = '', spanId = '' } = span?.spanContext() ?? {}
    try {
      const reference: unknown = this.#offload(text, { key, traceId, spanId, ...original })
      if (typeof reference === 'string') return JSON.stringify(jsonMark(original, { reference }))
    } catch (error) {
      count('callbackErrors', `offload threw for ${key}. The value was shortened; mend the callback.`, error)
    }
    return undefined
  }

  #fromElsewhere(text: string, key: string): string | undefined {
    if (this.#isDeferring) {
      if (this.#lengthHere + text.length <= largeTextLength) {
        this.#lengthHere += text.length
        return undefined
      }
      ;(this.#deferred ??= []).push({ text, key })
      return ''
    }
    const prepared = this.#prepared.find((one) => one.key === key && one.text === text)
    if (prepared?.isShortened === true) this.#truncatedCount++
    return prepared?.result
  }

  #inBudget(text: string, key: string): string {
    if (Buffer.byteLength(text) <= this.maxValueSizeBytes) return text
    this.#truncatedCount++
    return this.#shortened(text, key)
  }

  #shortened(text: string, key: string): string {
    const original = measureText(text)
    return this.offloaded(text, key, original, this.#span) ?? shrinkText(text, this.maxValueSizeBytes, original)
  }
}
