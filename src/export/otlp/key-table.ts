import { varintSize } from './byte-writer.ts'
import type { KeyRule, ValueFilter } from './value-filter.ts'
import { tags } from './wire-tags.ts'

/** What is known of an attribute key. */
export interface KeyEntry {
  readonly rule: KeyRule
  /** The key as it goes out. */
  readonly text: string
  /** The field `KeyValue.key`, with tag and length. */
  readonly bytes: Uint8Array
}

const maxEntries = 4096
const maxKeyLength = 256

/** What a destination does with each attribute key. Programs use few keys again and again, so each is looked at once. */
export class KeyTable {
  readonly filter: ValueFilter
  readonly #entries = new Map<string, KeyEntry>()

  constructor(filter: ValueFilter) {
    this.filter = filter
  }

  get(key: string): KeyEntry {
    return this.#entries.get(key) ?? this.#add(key)
  }

  #add(key: string): KeyEntry {
    const text = this.filter.name(key, 'key')
    const entry = { rule: this.filter.ruleOf(key), text, bytes: keyField(text) }
    if (key.length <= maxKeyLength) {
      // Keys that are made up as a program goes along would fill it; the few that come back are soon in again.
      if (this.#entries.size >= maxEntries) this.#entries.clear()
      this.#entries.set(key, entry)
    }
    return entry
  }
}

function keyField(text: string): Uint8Array {
  const key = Buffer.from(text, 'utf8')
  const sizeBytes: number[] = []
  for (let rest = key.length, left = varintSize(key.length); left > 0; left--) {
    sizeBytes.push(left > 1 ? (rest & 0x7f) | 0x80 : rest)
    rest >>>= 7
  }
  return Uint8Array.from([tags.keyValue.key, ...sizeBytes, ...key])
}
