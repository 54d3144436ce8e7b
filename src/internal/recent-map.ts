/**
 * A map that remembers at least the newest `capacity / 2` and at most `capacity` keys.
 *
 * Two generations instead of an order list: an insert is one `Map.set`, and forgetting is dropping a whole map. A
 * `Map` that deletes its oldest key on every insert costs three times as much and fragments its table.
 */
export class RecentMap<V> {
  readonly #generationSize: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  /** @param capacity most keys that are ever held, at least 2 */
  constructor(capacity: number) {
    this.#generationSize = Math.max(1, Math.floor(capacity / 2))
  }

  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#generationSize) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  /** How many keys are held. */
  get size(): number {
    return this.#young.size + this.#old.size
  }
}
