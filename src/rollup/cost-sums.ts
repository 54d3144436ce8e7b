import type { CostBucket, CostBuckets } from './cost-buckets.ts'

/** Sums of cost by what it was charged for, in billionths of a US dollar. */
export class CostSums {
  readonly #nanoUsd = new Map<CostBucket, number>()

  /** @param sign 1 to put in, -1 to take out */
  add(buckets: CostBuckets, sign: 1 | -1): void {
    for (const [bucket, nanoUsd] of Object.entries(buckets) as [CostBucket, number][]) this.#add(bucket, sign * nanoUsd)
  }

  addAll(other: CostSums, sign: 1 | -1): void {
    for (const [bucket, nanoUsd] of other.#nanoUsd) this.#add(bucket, sign * nanoUsd)
  }

  /** Those that are not zero. */
  entries(): readonly (readonly [bucket: CostBucket, nanoUsd: number])[] {
    return [...this.#nanoUsd].filter(([, nanoUsd]) => nanoUsd !== 0)
  }

  #add(bucket: CostBucket, nanoUsd: number): void {
    this.#nanoUsd.set(bucket, (this.#nanoUsd.get(bucket) ?? 0) + nanoUsd)
  }
}
