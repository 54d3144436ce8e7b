import { varintSize } from './byte-writer.ts'
import type { KeyRule, ValueFilter } from './value-filter.ts'
import { tags } from './wire-tags.ts'

/** What a destination knows of an attribute key. */
export interface KeyEntry {
  readonly key: string
  readonly rule: KeyRule
  /** The field `KeyValue.key`, with tag and length. */
  readonly field: Uint8Array
  /** The key that came after this one last time. */
  next: KeyEntry | undefined
  /** The text that this key had last time. */
  lastText: string | undefined
  /** The `KeyValue` of {@link lastText}, once the text came twice in a row. */
  lastAttribute: Uint8Array | undefined
}

const maxEntries = 4096
const maxKeyLength = 256

/** What a destination does with each attribute key. Programs use few keys again and again, so each is looked at once. */
export class KeyTable {
  readonly filter: ValueFilter
  /** What the first key of a span comes after. */
  readonly first: KeyEntry
  readonly #entries = new Map<string, KeyEntry>()

  constructor(filter: ValueFilter) {
    this.filter = filter
    this.first = this.#entryOf('')
  }

  /** What is known of a key that comes after another: spans of a kind have the same keys in the same order. */
  after(previous: KeyEntry, key: string): KeyEntry {
    const { next } = previous
    if (next !== undefined && next.key === key) return next
    const entry = this.#entries.get(key) ?? this.#add(key)
    previous.next = entry
    return entry
  }

  #add(key: string): KeyEntry {
    const entry = this.#entryOf(key)
    if (key.length > maxKeyLength) return entry
    // Keys that are made up as a program goes along would fill it; the few that come back are soon in again.
    if (this.#entries.size >= maxEntries) this.#entries.clear()
    this.#entries.set(key, entry)
    return entry
  }

  #entryOf(key: string): KeyEntry {
    return {
      key,
      rule: this.filter.ruleOf(key),
      field: keyField(this.filter.name(key, 'key')),
      next: undefined,
      lastText: undefined,
      lastAttribute: undefined,
    }
  }
}

function keyField(text: string): Uint8Array {
  const key = Buffer.from(text, 'utf8')
  const size: number[] = []
  for (let rest = key.length, left = varintSize(key.length); left > 0; left--) {
    size.push(left > 1 ? (rest & 0x7f) | 0x80 : rest)
    rest >>>= 7
  }
  return Uint8Array.from([tags.keyValue.key, ...size, ...key])
}
