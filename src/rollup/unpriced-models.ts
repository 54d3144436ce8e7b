/** How many models are named at most. */
const maxModels = 8

/** Stands for models past those, as OpenTelemetry's `_OTHER` does. */
const otherModels = '_OTHER'

/** A longer name is cut. */
const maxNameLength = 128

/**
 * The models whose calls nobody could price, for `runspan.cost.unpriced_models`. Calls can be taken out again: a model
 * is named while any of its calls counts.
 */
export class UnpricedModels {
  readonly #calls = new Map<string, number>()

  /** @param sign 1 to put a call in, -1 to take one out */
  add(model: string, sign: 1 | -1): void {
    this.#addCalls(model.slice(0, maxNameLength), sign)
  }

  addAll(other: UnpricedModels, sign: 1 | -1): void {
    for (const [model, calls] of other.#calls) this.#addCalls(model, sign * calls)
  }

  /** Sorted; eight at most, of which the last may be `_OTHER`. Empty where all calls were taken out. */
  names(): string[] {
    const names: string[] = []
    for (const [model, calls] of this.#calls) if (calls > 0 && model !== otherModels) names.push(model)
    names.sort()
    if ((this.#calls.get(otherModels) ?? 0) > 0) names.push(otherModels)
    return names
  }

  #addCalls(model: string, calls: number): void {
    const isKept = this.#calls.has(model) || this.#calls.size < maxModels - 1
    const name = isKept ? model : otherModels
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + calls)
  }
}

/**
 * How an unpriced call is named: its model, and its tier of service where that is not the standard one, since the model
 * may have a price then.
 */
export function unpricedName(model: string, serviceTier: string | undefined): string {
  return serviceTier === undefined ? model : `${model} (${serviceTier})`
}
