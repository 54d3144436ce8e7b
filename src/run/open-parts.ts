import type { RunEntry } from './run-entry.ts'

/** An entry's place in the list of open parts. */
export interface Listed {
  previous: RunEntry | undefined
  next: RunEntry | undefined
  /** Whether the index knows the entry. */
  isIndexed: boolean
  isListed: boolean
}

/**
 * The open runs and segments of this process, oldest first.
 *
 * A list that runs through the entries themselves, with an index by run id that is brought up to date only when
 * somebody asks for one: a run that nobody looked up is in no map at all. A map alone costs three times as much,
 * because one with few entries and many deletions rehashes all the time.
 */
export class OpenParts {
  #oldest: RunEntry | undefined
  #newest: RunEntry | undefined
  #firstUnindexed: RunEntry | undefined
  readonly #index = new Map<string, RunEntry>()
  #size = 0

  /** How many parts are open. */
  get size(): number {
    return this.#size
  }

  /** The part that has been open longest. */
  get oldest(): RunEntry | undefined {
    return this.#oldest
  }

  add(entry: RunEntry): void {
    entry.previous = this.#newest
    entry.isListed = true
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.next = entry
    this.#newest = entry
    this.#firstUnindexed ??= entry
    this.#size++
  }

  delete(entry: RunEntry): void {
    if (!entry.isListed) return
    const { previous, next } = entry
    if (previous === undefined) this.#oldest = next
    else previous.next = next
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    if (this.#firstUnindexed === entry) this.#firstUnindexed = next
    if (entry.isIndexed && this.#index.get(entry.runId) === entry) this.#index.delete(entry.runId)
    entry.previous = undefined
    entry.next = undefined
    entry.isListed = false
    this.#size--
  }

  /** The open run of an id, else its newest segment: a run's sums hold those of its segments here. */
  get(runId: string): RunEntry | undefined {
    for (let entry = this.#firstUnindexed; entry !== undefined; entry = entry.next) {
      const known = this.#index.get(entry.runId)
      if (known === undefined || known.joined) this.#index.set(entry.runId, entry)
      entry.isIndexed = true
    }
    this.#firstUnindexed = undefined
    return this.#index.get(runId)
  }

  /**
   * All of them, oldest first. Whoever visits one may end others: those are not visited any more.
   *
   * @yields each open part
   */
  *values(): Generator<RunEntry, void> {
    const all: RunEntry[] = []
    for (let entry = this.#oldest; entry !== undefined; entry = entry.next) all.push(entry)
    for (const entry of all) if (entry.isListed) yield entry
  }
}
