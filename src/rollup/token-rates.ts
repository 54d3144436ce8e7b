import type { CallDetails } from './call-details.ts'
import type { PricedCall } from './priced-call.ts'
import type { TierFactors } from './service-tier.ts'

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
  readonly details: DetailRates
}

/** What the tokens of {@link CallDetails} cost. NaN: nobody says, and a call that has any is unpriced. */
export interface DetailRates {
  readonly cacheWrite1hNanoUsdPerToken: number
  readonly audioInputNanoUsdPerToken: number
  readonly audioCacheReadNanoUsdPerToken: number
  readonly audioOutputNanoUsdPerToken: number
  readonly imageInputNanoUsdPerToken: number
  readonly imageCacheReadNanoUsdPerToken: number
  readonly imageOutputNanoUsdPerToken: number
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
  /** Left out, this and all that follow: not known. */
  readonly cacheWrite1h?: number | undefined
  readonly audioInput?: number | undefined
  readonly audioCacheRead?: number | undefined
  readonly audioOutput?: number | undefined
  readonly imageInput?: number | undefined
  readonly imageCacheRead?: number | undefined
  readonly imageOutput?: number | undefined
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
    details: {
      cacheWrite1hNanoUsdPerToken: knownRate(usd.cacheWrite1h),
      audioInputNanoUsdPerToken: knownRate(usd.audioInput),
      audioCacheReadNanoUsdPerToken: knownRate(usd.audioCacheRead),
      audioOutputNanoUsdPerToken: knownRate(usd.audioOutput),
      imageInputNanoUsdPerToken: knownRate(usd.imageInput),
      imageCacheReadNanoUsdPerToken: knownRate(usd.imageCacheRead),
      imageOutputNanoUsdPerToken: knownRate(usd.imageOutput),
    },
  }
}

function knownRate(usd: number | undefined): number {
  return usd === undefined ? Number.NaN : usd * nanoUsdPerToken
}

/** The rates of another tier of service. What is charged per call stays. */
export function scaledRates(rates: TokenRates, { cacheRead, other }: TierFactors): TokenRates {
  const { details } = rates
  return {
    inputNanoUsdPerToken: rates.inputNanoUsdPerToken * other,
    cacheReadNanoUsdPerToken: rates.cacheReadNanoUsdPerToken * cacheRead,
    cacheWriteNanoUsdPerToken: rates.cacheWriteNanoUsdPerToken * other,
    outputNanoUsdPerToken: rates.outputNanoUsdPerToken * other,
    reasoningNanoUsdPerToken: rates.reasoningNanoUsdPerToken * other,
    callNanoUsd: rates.callNanoUsd,
    details: {
      cacheWrite1hNanoUsdPerToken: details.cacheWrite1hNanoUsdPerToken * other,
      audioInputNanoUsdPerToken: details.audioInputNanoUsdPerToken * other,
      audioCacheReadNanoUsdPerToken: details.audioCacheReadNanoUsdPerToken * cacheRead,
      audioOutputNanoUsdPerToken: details.audioOutputNanoUsdPerToken * other,
      imageInputNanoUsdPerToken: details.imageInputNanoUsdPerToken * other,
      imageCacheReadNanoUsdPerToken: details.imageCacheReadNanoUsdPerToken * cacheRead,
      imageOutputNanoUsdPerToken: details.imageOutputNanoUsdPerToken * other,
    },
  }
}

/** Cost of a call without details at these rates, in nano-USD, not rounded. */
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

/**
 * The same of a call with details. NaN where it has tokens that nobody has a rate for.
 *
 * @param details those of the call
 */
export function nanoUsdWithDetailsAt(rates: TokenRates, call: PricedCall, details: CallDetails): number {
  const { details: rare } = rates
  const audioInput = details.audioInputTokens - details.audioCacheReadInputTokens
  const imageInput = details.imageInputTokens - details.imageCacheReadInputTokens
  const plainInput = call.inputTokens - call.cacheReadInputTokens - call.cacheWriteInputTokens - audioInput - imageInput
  const textRead = call.cacheReadInputTokens - details.audioCacheReadInputTokens - details.imageCacheReadInputTokens
  const shortWrite = call.cacheWriteInputTokens - details.cacheWrite1hInputTokens
  const plainOutput =
    call.outputTokens - call.reasoningOutputTokens - details.audioOutputTokens - details.imageOutputTokens
  return (
    charged(plainInput, rates.inputNanoUsdPerToken) +
    charged(textRead, rates.cacheReadNanoUsdPerToken) +
    charged(shortWrite, rates.cacheWriteNanoUsdPerToken) +
    charged(details.cacheWrite1hInputTokens, rare.cacheWrite1hNanoUsdPerToken) +
    charged(plainOutput, rates.outputNanoUsdPerToken) +
    charged(call.reasoningOutputTokens, rates.reasoningNanoUsdPerToken) +
    charged(audioInput, rare.audioInputNanoUsdPerToken) +
    charged(details.audioCacheReadInputTokens, rare.audioCacheReadNanoUsdPerToken) +
    charged(details.audioOutputTokens, rare.audioOutputNanoUsdPerToken) +
    charged(imageInput, rare.imageInputNanoUsdPerToken) +
    charged(details.imageCacheReadInputTokens, rare.imageCacheReadNanoUsdPerToken) +
    charged(details.imageOutputTokens, rare.imageOutputNanoUsdPerToken) +
    rates.callNanoUsd
  )
}

/** No tokens cost nothing, at an unknown rate too. */
function charged(tokens: number, rate: number): number {
  return tokens === 0 ? 0 : tokens * rate
}
