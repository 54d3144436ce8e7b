import { clampedDetails, tokensOf, type CallDetails, type DetailTotals } from './call-details.ts'

/** One model call, as a price table or a price function takes it. Details are parts of the totals. */
export interface PricedCall {
  /** Who served the model, as the span or the application names it: `openai`, `aws.bedrock`, `anthropic.messages` … */
  readonly provider: string | undefined
  /** The model, as the span or the application names it. */
  readonly model: string
  /** When the call began, in milliseconds since the epoch: the price of that time applies. */
  readonly timeUnixMillis: number
  /** All input tokens, cached ones included. */
  readonly inputTokens: number
  /** All output tokens, reasoning included. */
  readonly outputTokens: number
  /** Part of the input: read from the provider's cache. */
  readonly cacheReadInputTokens: number
  /** Part of the input: written to the provider's cache. */
  readonly cacheWriteInputTokens: number
  /** Part of the output: reasoning. */
  readonly reasoningOutputTokens: number
  /** Kinds of tokens and tiers of service that few calls have; left out where there are none. */
  readonly details?: CallDetails | undefined
}

/** A call as plain data, for those outside: what it was read from is nobody else's. */
export function plainCall(call: PricedCall): PricedCall {
  return callWith(call, call, call.details)
}

/** Whether a call's numbers can be reckoned with as they are. */
function isSound(call: PricedCall): boolean {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens, reasoningOutputTokens } = call
  return (
    inputTokens < Infinity &&
    outputTokens < Infinity &&
    cacheReadInputTokens >= 0 &&
    cacheWriteInputTokens >= 0 &&
    reasoningOutputTokens >= 0 &&
    cacheReadInputTokens + cacheWriteInputTokens <= inputTokens &&
    reasoningOutputTokens <= outputTokens
  )
}

/**
 * The call, or a copy whose numbers can be reckoned with: what is no count (negative, NaN, infinite) is 0, and a detail is at most
 * what is left of its total, cache reads before cache writes.
 */
export function clampedCall(call: PricedCall): PricedCall {
  const { details } = call
  if (isSound(call)) return details === undefined ? call : callWith(call, call, details)
  const inputTokens = tokensOf(call.inputTokens)
  const outputTokens = tokensOf(call.outputTokens)
  const cacheReadInputTokens = Math.min(tokensOf(call.cacheReadInputTokens), inputTokens)
  const totals: DetailTotals = {
    inputTokens,
    outputTokens,
    cacheReadInputTokens,
    cacheWriteInputTokens: Math.min(tokensOf(call.cacheWriteInputTokens), inputTokens - cacheReadInputTokens),
    reasoningOutputTokens: Math.min(tokensOf(call.reasoningOutputTokens), outputTokens),
  }
  return callWith(call, totals, details)
}

function callWith(call: PricedCall, totals: DetailTotals, details: CallDetails | undefined): PricedCall {
  return {
    provider: call.provider,
    model: call.model,
    timeUnixMillis: call.timeUnixMillis,
    inputTokens: totals.inputTokens,
    outputTokens: totals.outputTokens,
    cacheReadInputTokens: totals.cacheReadInputTokens,
    cacheWriteInputTokens: totals.cacheWriteInputTokens,
    reasoningOutputTokens: totals.reasoningOutputTokens,
    details: details === undefined ? undefined : clampedDetails(details, totals),
  }
}
