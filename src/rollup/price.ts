import type { PricedCall } from './priced-call.ts'

/** What the calls of one model cost. Knows nothing of other models. */
export interface Price {
  /**
   * Cost of one call in billionths of a US dollar, not rounded, or `undefined` where this price does not know.
   *
   * @param call with clamped numbers
   */
  nanoUsdOf(call: PricedCall): number | undefined
}
