import { otherName } from '../internal/counts-by-name.ts'
import { CallSums, addNumbers, hasNumbers, type CallNumbers } from './call-sums.ts'
import type { CallOrigin } from './contribution.ts'

/** The sums of one model of one provider. */
export class ModelSums extends CallSums {
  readonly origin: CallOrigin

  constructor(origin: CallOrigin) {
    super()
    this.origin = origin
  }
}

/** How many models one part tells apart at most; the calls of all others are added up as one. */
const mostModels = 32

/** What calls are added up as that nobody names by their model. */
export const otherModels: CallOrigin = Object.freeze({ operation: undefined, provider: undefined, model: otherName })

/** Sums by operation, provider and model. */
export class SumsByModel {
  readonly #byKey = new Map<string, ModelSums>()

  addCall(origin: CallOrigin, part: CallNumbers, sign: 1 | -1): void {
    addNumbers(this.#sumsOf(origin), part, sign)
  }

  addAll(other: SumsByModel, sign: 1 | -1): void {
    for (const sums of other.#byKey.values()) addNumbers(this.#sumsOf(sums.origin), sums, sign)
  }

  /** Those that add anything, in the order of their first calls. */
  list(): readonly ModelSums[] {
    return [...this.#byKey.values()].filter((sums) => sums.llmCalls !== 0 || hasNumbers(sums))
  }

  #sumsOf(origin: CallOrigin): ModelSums {
    const key = keyOf(origin)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const kept = this.#byKey.size < mostModels ? origin : otherModels
    const keptKey = kept === origin ? key : keyOf(kept)
    const sums = this.#byKey.get(keptKey) ?? new ModelSums(kept)
    this.#byKey.set(keptKey, sums)
    return sums
  }
}

/** Tells origins apart. */
export function keyOf({ operation, provider, model }: CallOrigin): string {
  return `${operation ?? ''}\n${provider ?? ''}\n${model ?? ''}`
}
