import { CountsByName, otherName } from '../internal/counts-by-name.ts'

/** How many models are named at most, `_OTHER` among them. */
const maxModels = 8

/** A longer name is cut. */
const maxNameLength = 128

/**
 * The models whose calls nobody could price, for `runspan.cost.unpriced_models`. Calls can be taken out again: a model
 * is named while any of its calls counts.
 */
export class UnpricedModels {
  readonly #calls = new CountsByName(maxModels - 1)

  /** @param sign 1 to put a call in, -1 to take one out */
  add(model: string, sign: 1 | -1): void {
    this.#calls.add(model.slice(0, maxNameLength), sign)
  }

  addAll(other: UnpricedModels, sign: 1 | -1): void {
    for (const [model, calls] of other.#calls.entries()) this.#calls.add(model, sign * calls)
  }

  /** Sorted; eight at most, of which the last may be `_OTHER`. Empty where all calls were taken out. */
  names(): string[] {
    const counted = this.#calls.entries().filter(([, calls]) => calls > 0)
    const names = counted.map(([model]) => model).filter((model) => model !== otherName)
    names.sort()
    return names.length < counted.length ? [...names, otherName] : names
  }
}

/**
 * How an unpriced call is named: its model, and its tier of service where that is not the standard one, since the model
 * may have a price then.
 */
export function unpricedName(model: string, serviceTier: string | undefined): string {
  return serviceTier === undefined ? model : `${model} (${serviceTier})`
}
