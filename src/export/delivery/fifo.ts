/** Below this, nothing is gained by giving room back. */
const leastBehind = 64

/**
 * First in, first out. It lets go of what has left at once: under a steady load a queue is never empty, and one that
 * only moved its start would keep all that ever went through it.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #first = 0

  get size(): number {
    return this.#items.length - this.#first
  }

  /** What leaves next. */
  get head(): T | undefined {
    return this.#items[this.#first]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the first. */
  shift(): T | undefined {
    const items = this.#items
    if (this.#first === items.length) return undefined
    const item = items[this.#first]
    items[this.#first++] = undefined
    // Half of the array is behind us: give it back. So each item is moved once on average.
    if (this.#first >= leastBehind && this.#first * 2 >= items.length) {
      this.#items = items.slice(this.#first)
      this.#first = 0
    }
    return item
  }
}
