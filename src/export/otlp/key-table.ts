import type { KeyRule, ValueFilter } from './value-filter.ts'

/** What a destination knows of an attribute key. Fields are bytes or texts, as the encoding has it. */
export interface KeyEntry<Field> {
  readonly key: string
  readonly rule: KeyRule
  /** The key as it is encoded. */
  readonly field: Field
  /** The key that came after this one last time. */
  next: KeyEntry<Field> | undefined
  /** The text that this key had last time. */
  lastText: string | undefined
  /** The attribute of {@link lastText} as it is encoded, once the text came twice in a row. */
  lastAttribute: Field | undefined
}

const maxEntries = 4096
/** Longest text that is kept to be compared with the next one. */
export const maxRememberedLength = 64
const maxKeyLength = 256

/** What a destination does with each attribute key. Programs use few keys again and again, so each is looked at once. */
export class KeyTable<Field> {
  readonly filter: ValueFilter
  /** What the first key of a span comes after. */
  readonly first: KeyEntry<Field>
  readonly #entries = new Map<string, KeyEntry<Field>>()

  readonly #encodeKey: (key: string) => Field

  /** @param encodeKey what a key is in this encoding */
  constructor(filter: ValueFilter, encodeKey: (key: string) => Field) {
    this.filter = filter
    this.#encodeKey = encodeKey
    this.first = this.#entryOf('')
  }

  /** What is known of a key that comes after another: spans of a kind have the same keys in the same order. */
  after(previous: KeyEntry<Field>, key: string): KeyEntry<Field> {
    const { next } = previous
    if (next !== undefined && next.key === key) return next
    const entry = this.#entries.get(key) ?? this.#add(key)
    previous.next = entry
    return entry
  }

  #add(key: string): KeyEntry<Field> {
    const entry = this.#entryOf(key)
    if (key.length > maxKeyLength) return entry
    // Keys that are made up as a program goes along would fill it; the few that come back are soon in again.
    if (this.#entries.size >= maxEntries) this.#entries.clear()
    this.#entries.set(key, entry)
    return entry
  }

  #entryOf(key: string): KeyEntry<Field> {
    return {
      key,
      rule: this.filter.ruleOf(key),
      field: this.#encodeKey(this.filter.name(key, 'key')),
      next: undefined,
      lastText: undefined,
      lastAttribute: undefined,
    }
  }
}
