/**
 * Remembers the newest `capacity` keys. Adding one is a write into a ring; the index that `has` needs is brought up to
 * date only when somebody asks, because most processes add for every run and never ask.
 */
export class RecentKeys {
  readonly #ring: (string | undefined)[]
  readonly #index = new Map<string, number>()
  /** How many keys were ever added. */
  #added = 0
  /** How many of them the index has seen. */
  #indexed = 0

  /** @param capacity how many keys are remembered, at least 1 */
  constructor(capacity: number) {
    this.#ring = Array.from({ length: capacity })
  }

  add(key: string): void {
    this.#ring[this.#added % this.#ring.length] = key
    this.#added++
  }

  has(key: string): boolean {
    this.#catchUp()
    const at = this.#index.get(key)
    return at !== undefined && at >= this.#added - this.#ring.length
  }

  #catchUp(): void {
    const capacity = this.#ring.length
    for (let at = Math.max(this.#indexed, this.#added - capacity); at < this.#added; at++) {
      this.#index.set(this.#ring[at % capacity]!, at)
    }
    this.#indexed = this.#added
    if (this.#index.size <= 2 * capacity) return
    for (const [key, at] of this.#index) if (at < this.#added - capacity) this.#index.delete(key)
  }
}
