import type { Context } from '@opentelemetry/api'

/** From this many layers on they are folded into one map, so that deep recursion does not make look-ups slow. */
const mostLayers = 16

/**
 * A context that adds one value to another. The api's own copies a whole map for each value, and a run sets two and
 * each of its spans one more; a layer is one small object.
 */
export class LayeredContext implements Context {
  readonly #below: Context
  readonly #key: symbol
  readonly #value: unknown
  readonly #layers: number

  constructor(below: Context, key: symbol, value: unknown) {
    this.#below = below
    this.#key = key
    this.#value = value
    this.#layers = below instanceof LayeredContext ? below.#layers + 1 : 1
  }

  getValue(key: symbol): unknown {
    if (this.#key === key) return this.#value
    let at = this.#below
    while (at instanceof LayeredContext) {
      if (at.#key === key) return at.#value
      at = at.#below
    }
    return at.getValue(key)
  }

  setValue(key: symbol, value: unknown): Context {
    if (this.#layers < mostLayers) return new LayeredContext(this, key, value)
    return this.#folded().setValue(key, value)
  }

  deleteValue(key: symbol): Context {
    return this.#folded().deleteValue(key)
  }

  /** The same values in the kind of context that the lowest layer stands on. */
  #folded(): Context {
    const values = new Map([[this.#key, this.#value]])
    let at = this.#below
    while (at instanceof LayeredContext) {
      if (!values.has(at.#key)) values.set(at.#key, at.#value)
      at = at.#below
    }
    for (const [key, value] of values) at = at.setValue(key, value)
    return at
  }
}
