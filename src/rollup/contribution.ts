import type { CallNumbers } from './call-sums.ts'
import type { CostBuckets } from './cost-buckets.ts'

/** Where a call went, as its span says. */
export interface CallOrigin {
  /** `gen_ai.operation.name`, where the span has one. */
  readonly operation: string | undefined
  readonly provider: string | undefined
  readonly model: string | undefined
}

/** What one counted span adds, kept where it may have to be taken out again. */
export interface Contribution extends CallNumbers {
  /** How many tokens it tells apart from the rest: cached ones, reasoning, audio …; a tier of service counts as one. */
  readonly told: number
  /** A call that says nothing of its usage: what reports usage above or below it speaks for it. */
  readonly isSilent: boolean
  readonly model: string | undefined
  /** How a call that nobody could price is named, where it has usage and a model. */
  readonly unpricedModel: string | undefined
  /** What the cost was charged for, where that is kept. */
  readonly buckets: CostBuckets | undefined
  /** Set where sums by model are kept. */
  readonly origin: CallOrigin | undefined
}

const noTokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0, nanoUsd: 0, reported: 0, priced: 0 }

/** A call without usage. One that failed has no price to miss; of any other nobody knows what it cost. */
export function silentCall(hasFailed: boolean, origin: CallOrigin | undefined): Contribution {
  if (origin === undefined) return hasFailed ? failedCall : unknownCall
  return {
    llmCalls: 1,
    ...noTokens,
    unpriced: hasFailed ? 0 : 1,
    told: 0,
    isSilent: true,
    model: undefined,
    unpricedModel: undefined,
    buckets: undefined,
    origin,
  }
}

const failedCall: Contribution = Object.freeze({
  llmCalls: 1,
  ...noTokens,
  unpriced: 0,
  told: 0,
  isSilent: true,
  model: undefined,
  unpricedModel: undefined,
  buckets: undefined,
  origin: undefined,
})
const unknownCall: Contribution = Object.freeze({
  llmCalls: 1,
  ...noTokens,
  unpriced: 1,
  told: 0,
  isSilent: true,
  model: undefined,
  unpricedModel: undefined,
  buckets: undefined,
  origin: undefined,
})

/** A container is a call itself only where no call is below it; else it speaks for calls that said nothing. */
export function speakingFor(contribution: Contribution, silentCalls: number, unpricedCalls: number): Contribution {
  const hasCost = contribution.reported + contribution.priced > 0
  const llmCalls = silentCalls > 0 ? 0 : 1
  const unpriced = hasCost ? -unpricedCalls : llmCalls
  if (contribution.llmCalls === llmCalls && contribution.unpriced === unpriced) return contribution
  return { ...contribution, llmCalls, unpriced }
}
