/** The name under which everything is counted that came after the bound was reached; OpenTelemetry's word for it. */
export const otherName = '_OTHER'

/** Counts under names that nobody knows beforehand: at most `maxNames` of them, all others as one. */
export class CountsByName {
  readonly #counts = new Map<string, number>()
  readonly #maxNames: number

  constructor(maxNames: number) {
    this.#maxNames = maxNames
  }

  add(name: string, by: number): void {
    const key = this.#counts.has(name) || this.#counts.size < this.#maxNames ? name : otherName
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by)
  }

  /** The counts that are not zero, in the order in which their names came. */
  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].filter(([, count]) => count !== 0)
  }
}
