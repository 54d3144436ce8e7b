import type { UsdPerMillionTokens } from './token-rates.ts'

/** Everything costs nothing: what an empty list stands for. */
export const freeRates: UsdPerMillionTokens = {
  input: 0,
  output: 0,
  cacheWrite1h: 0,
  audioInput: 0,
  audioCacheRead: 0,
  audioOutput: 0,
  imageInput: 0,
  imageCacheRead: 0,
  imageOutput: 0,
}

/** Models that answer in speech alone. */
const speechModel = /(?:^|-)tts(?:-|$)/

/**
 * A listed price with the rates that follow from what the provider publishes for all of its models. What then still has
 * no rate is not known: calls that have such tokens are unpriced.
 *
 * - Anthropic: a cache write for an hour costs twice the input.
 * - Images that a model is shown are input like text, with everybody who lists no rate for them.
 * - Google lists a rate for audio where it differs from that of text, and for cached audio with it.
 * - The one kind of output that a model has is what its output costs: speech (`tts`), images (`gpt-image`).
 *
 * docs/discoveries/service-tiers.md has the sources.
 */
export function withMissingRates(usd: UsdPerMillionTokens, providerId: string, modelId: string): UsdPerMillionTokens {
  const isGemini = providerId === 'google' && modelId.startsWith('gemini')
  const read = usd.cacheRead ?? usd.input
  return {
    ...usd,
    cacheWrite1h: usd.cacheWrite1h ?? (providerId === 'anthropic' ? 2 * usd.input : undefined),
    audioInput: usd.audioInput ?? (isGemini ? usd.input : undefined),
    audioCacheRead: usd.audioCacheRead ?? (isGemini && usd.audioInput === undefined ? read : undefined),
    audioOutput: usd.audioOutput ?? (speechModel.test(modelId) ? usd.output : undefined),
    imageInput: usd.imageInput ?? usd.input,
    imageCacheRead: usd.imageCacheRead ?? (usd.imageInput === undefined ? read : undefined),
    imageOutput: usd.imageOutput ?? (modelId.startsWith('gpt-image') ? usd.output : undefined),
  }
}
