import type { CompiledPrice } from './compiled-price.ts'
import type { CostBuckets } from './cost-buckets.ts'
import type { Price } from './price.ts'
import type { PricedCall } from './priced-call.ts'
import { tierFactors } from './service-tier.ts'

/** How many tiers of one model are remembered at most; a provider has four. */
const maxTiers = 16

/**
 * A listed price, which is that of the standard tier, and what other tiers make of it. Compiled once per tier, with the
 * first call of it.
 */
export class TieredPrice implements Price {
  readonly #standard: CompiledPrice
  readonly #providerId: string
  readonly #modelId: string
  /** `undefined`: a tier that nobody publishes a rule for. */
  readonly #tiers = new Map<string, CompiledPrice | undefined>()

  constructor(standard: CompiledPrice, providerId: string, modelId: string) {
    this.#standard = standard
    this.#providerId = providerId
    this.#modelId = modelId
  }

  nanoUsdOf(call: PricedCall): number | undefined {
    const tier = call.details?.serviceTier
    return tier === undefined ? this.#standard.nanoUsdOf(call) : this.#of(tier)?.nanoUsdOf(call)
  }

  bucketsOf(call: PricedCall): CostBuckets | undefined {
    const tier = call.details?.serviceTier
    return tier === undefined ? this.#standard.bucketsOf(call) : this.#of(tier)?.bucketsOf(call)
  }

  #of(tier: string): CompiledPrice | undefined {
    const known = this.#tiers.get(tier)
    if (known !== undefined || this.#tiers.has(tier)) return known
    const factors = tierFactors(this.#providerId, this.#modelId, tier)
    const price = factors === undefined ? undefined : this.#standard.scaled(factors)
    if (this.#tiers.size < maxTiers) this.#tiers.set(tier, price)
    return price
  }
}
