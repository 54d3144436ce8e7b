import type { CostBuckets } from './cost-buckets.ts'
import type { Price } from './price.ts'
import type { PriceFunction } from './price-source.ts'
import { plainCall, type PricedCall } from './priced-call.ts'

/** A price function of the application's, fenced in: whatever it does, the call goes on. */
export class FunctionPrice implements Price {
  readonly #function: PriceFunction
  readonly #onError: (error: unknown) => void

  /** @param onError told what the function threw, or that its answer is no price */
  constructor(priceFunction: PriceFunction, onError: (error: unknown) => void) {
    this.#function = priceFunction
    this.#onError = onError
  }

  /** NaN where the function failed: the call is unpriced then, and nobody else is asked. */
  nanoUsdOf(call: PricedCall): number | undefined {
    let usd: unknown
    try {
      usd = this.#function(plainCall(call))
    } catch (error) {
      this.#onError(error)
      return Number.NaN
    }
    // null: what JavaScript callers write for undefined.
    if (usd === undefined || usd === null) return undefined
    if (typeof usd === 'number' && usd >= 0 && usd < Infinity) return usd * 1e9
    swallowRejection(usd)
    this.#onError(new TypeError(`A price is a number of US dollars, at least 0, or undefined. Got ${describe(usd)}.`))
    return Number.NaN
  }

  bucketsOf(call: PricedCall): CostBuckets | undefined {
    const nanoUsd = this.nanoUsdOf(call)
    return nanoUsd === undefined ? undefined : { undivided: nanoUsd }
  }
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : isThenable(value) ? 'a promise' : `a ${typeof value}`
}

/** A function that is async by mistake must not end the process when its promise rejects. */
function swallowRejection(value: unknown): void {
  if (isThenable(value)) void Promise.resolve(value).catch(() => undefined)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
}
