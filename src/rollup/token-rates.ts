import type { PricedCall } from './priced-call.ts'

/** Nano-USD per token in one US dollar per million tokens. */
const nanoUsdPerToken = 1_000

/** What each kind of token costs: the form that every price is compiled to. Doubles, so that no rate is rounded. */
export interface TokenRates {
  /** Input that is neither read from nor written to a cache. */
  readonly inputNanoUsdPerToken: number
  readonly cacheReadNanoUsdPerToken: number
  readonly cacheWriteNanoUsdPerToken: number
  /** Output that is no reasoning. */
  readonly outputNanoUsdPerToken: number
  readonly reasoningNanoUsdPerToken: number
  /** Charged once, whatever the call's size. */
  readonly callNanoUsd: number
}

/** Prices as they are listed, in US dollars per million tokens. */
export interface UsdPerMillionTokens {
  readonly input: number
  readonly output: number
  /** Left out, this and the next: as other input. */
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: number | undefined
  /** Left out: as other output. */
  readonly reasoning?: number | undefined
}

/** Turns prices as they are listed into rates. */
export function ratesOf(usd: UsdPerMillionTokens, callNanoUsd: number): TokenRates {
  return {
    inputNanoUsdPerToken: usd.input * nanoUsdPerToken,
    cacheReadNanoUsdPerToken: (usd.cacheRead ?? usd.input) * nanoUsdPerToken,
    cacheWriteNanoUsdPerToken: (usd.cacheWrite ?? usd.input) * nanoUsdPerToken,
    outputNanoUsdPerToken: usd.output * nanoUsdPerToken,
    reasoningNanoUsdPerToken: (usd.reasoning ?? usd.output) * nanoUsdPerToken,
    callNanoUsd,
  }
}

/** Cost of a call at these rates, in nano-USD, not rounded. */
export function nanoUsdAt(rates: TokenRates, call: PricedCall): number {
  const plainInput = call.inputTokens - call.cacheReadInputTokens - call.cacheWriteInputTokens
  const plainOutput = call.outputTokens - call.reasoningOutputTokens
  return (
    plainInput * rates.inputNanoUsdPerToken +
    call.cacheReadInputTokens * rates.cacheReadNanoUsdPerToken +
    call.cacheWriteInputTokens * rates.cacheWriteNanoUsdPerToken +
    plainOutput * rates.outputNanoUsdPerToken +
    call.reasoningOutputTokens * rates.reasoningNanoUsdPerToken +
    rates.callNanoUsd
  )
}
