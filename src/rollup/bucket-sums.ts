import type { Attributes } from '@opentelemetry/api'

import { ATTRS_RUNSPAN_COST_OF_BUCKET } from '../attributes.ts'
import type { CostBucket, CostBuckets } from './cost-buckets.ts'

/** Sums of cost by bucket, in whole nano-USD: what a part's calls were charged for. */
export class BucketSums {
  readonly #sums = new Map<CostBucket, number>()

  /** @param sign 1 to put in, -1 to take out */
  add(buckets: CostBuckets, sign: 1 | -1): void {
    for (const [name, nanoUsd] of Object.entries(buckets) as [CostBucket, number][]) this.#add(name, sign * nanoUsd)
  }

  addAll(other: BucketSums, sign: 1 | -1): void {
    for (const [name, nanoUsd] of other.#sums) this.#add(name, sign * nanoUsd)
  }

  /** Writes `runspan.cost.{bucket}.nano_usd`; zeros are left out. */
  write(attributes: Attributes): void {
    for (const [name, nanoUsd] of this.#sums) {
      if (nanoUsd !== 0) attributes[ATTRS_RUNSPAN_COST_OF_BUCKET[name]] = nanoUsd
    }
  }

  #add(name: CostBucket, nanoUsd: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + nanoUsd)
  }
}
