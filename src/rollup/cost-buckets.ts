import type { PricedCall } from './priced-call.ts'
import type { TokenRates } from './token-rates.ts'

/** What a part of a call's cost was charged for. */
export type CostBucket =
  /** Text input that no cache has to do with. */
  | 'input'
  | 'cacheRead'
  /** Cache writes of the provider's default time, which is five minutes with Anthropic. */
  | 'cacheWrite'
  | 'cacheWrite1h'
  /** Text output that is no reasoning. */
  | 'output'
  | 'reasoning'
  | 'audioInput'
  | 'audioCacheRead'
  | 'audioOutput'
  | 'imageInput'
  | 'imageCacheRead'
  | 'imageOutput'
  /** Charged per call, whatever its size. */
  | 'request'
  /** What nobody divides: the answer of a price function. */
  | 'undivided'

/** Cost by bucket in nano-USD. A bucket that is absent is 0. */
export type CostBuckets = Readonly<Partial<Record<CostBucket, number>>>

/** A call's cost and what it was charged for: the buckets come to exactly the cost. */
export interface CostBreakdown {
  /** Whole billionths of a US dollar. */
  readonly nanoUsd: number
  /** Whole numbers; no zeros. */
  readonly buckets: CostBuckets
}

/**
 * Cost of a call by bucket at these rates, not rounded, in the order in which the cost is added up. NaN stands where
 * there are tokens that nobody has a rate for.
 */
export function bucketsAt(rates: TokenRates, call: PricedCall): CostBuckets {
  const { details: rare } = rates
  const audioRead = call.details?.audioCacheReadInputTokens ?? 0
  const audioInput = (call.details?.audioInputTokens ?? 0) - audioRead
  const imageRead = call.details?.imageCacheReadInputTokens ?? 0
  const imageInput = (call.details?.imageInputTokens ?? 0) - imageRead
  const write1h = call.details?.cacheWrite1hInputTokens ?? 0
  const audioOutput = call.details?.audioOutputTokens ?? 0
  const imageOutput = call.details?.imageOutputTokens ?? 0
  const read = call.cacheReadInputTokens
  const write = call.cacheWriteInputTokens
  const buckets: Partial<Record<CostBucket, number>> = {}
  charge(buckets, 'input', call.inputTokens - read - write - audioInput - imageInput, rates.inputNanoUsdPerToken)
  charge(buckets, 'cacheRead', read - audioRead - imageRead, rates.cacheReadNanoUsdPerToken)
  charge(buckets, 'cacheWrite', write - write1h, rates.cacheWriteNanoUsdPerToken)
  charge(buckets, 'cacheWrite1h', write1h, rare.cacheWrite1hNanoUsdPerToken)
  charge(
    buckets,
    'output',
    call.outputTokens - call.reasoningOutputTokens - audioOutput - imageOutput,
    rates.outputNanoUsdPerToken,
  )
  charge(buckets, 'reasoning', call.reasoningOutputTokens, rates.reasoningNanoUsdPerToken)
  charge(buckets, 'audioInput', audioInput, rare.audioInputNanoUsdPerToken)
  charge(buckets, 'audioCacheRead', audioRead, rare.audioCacheReadNanoUsdPerToken)
  charge(buckets, 'audioOutput', audioOutput, rare.audioOutputNanoUsdPerToken)
  charge(buckets, 'imageInput', imageInput, rare.imageInputNanoUsdPerToken)
  charge(buckets, 'imageCacheRead', imageRead, rare.imageCacheReadNanoUsdPerToken)
  charge(buckets, 'imageOutput', imageOutput, rare.imageOutputNanoUsdPerToken)
  charge(buckets, 'request', 1, rates.callNanoUsd)
  return buckets
}

function charge(buckets: Partial<Record<CostBucket, number>>, name: CostBucket, tokens: number, rate: number): void {
  if (tokens !== 0 && rate !== 0) buckets[name] = tokens * rate
}

/**
 * Rounds the whole and its parts, so that the parts come to the whole: each part is what the rounded sum grows by.
 *
 * @returns `undefined` where the whole is no price, NaN or more than a double holds exactly
 */
export function wholeBuckets(buckets: CostBuckets): CostBreakdown | undefined {
  const rounded: Partial<Record<CostBucket, number>> = {}
  let sum = 0
  let nanoUsd = 0
  for (const [name, value] of Object.entries(buckets) as [CostBucket, number][]) {
    sum += value
    const part = Math.round(sum) - nanoUsd
    if (part !== 0) rounded[name] = part
    nanoUsd += part
  }
  return sum <= Number.MAX_SAFE_INTEGER ? { nanoUsd, buckets: rounded } : undefined
}
