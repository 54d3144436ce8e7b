import type { CostBuckets } from './cost-buckets.ts'
import type { PricedCall } from './priced-call.ts'

/** What the calls of one model cost. Knows nothing of other models. */
export interface Price {
  /**
   * Cost of one call in billionths of a US dollar, not rounded. `undefined` where this price does not know; NaN where it
   * is the one to know and cannot tell: the call is unpriced then.
   *
   * @param call with clamped numbers
   */
  nanoUsdOf(call: PricedCall): number | undefined

  /** What the same cost was charged for. Slower: for those who ask. */
  bucketsOf(call: PricedCall): CostBuckets | undefined
}
