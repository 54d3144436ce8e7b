/** What a tier makes of the standard price. NaN: the provider publishes no rule. */
export interface TierFactors {
  readonly cacheRead: number
  /** Of all other tokens. */
  readonly other: number
}

const half: TierFactors = { cacheRead: 0.5, other: 0.5 }

const halfWithoutCache: TierFactors = { cacheRead: Number.NaN, other: 0.5 }

const beforeGpt5 = /^(?:chatgpt|gpt-[34]|o\d)/

/**
 * The tiers that cost a fixed share of the standard price, whatever the model, by provider:
 *
 * - Anthropic: batches cost half, and the multipliers of the cache stack with that.
 * - OpenAI: batch and flex cost half, cached input too; for batches of models before GPT-5 none is listed.
 * - Google: batch and flex cost half; cached input of batches costs what it does elsewhere, and of flex nobody says.
 *
 * Everything else (priority, fast, provisioned …) has a price per model, or a contract: calls of it are unpriced by the
 * list. docs/discoveries/service-tiers.md has the sources.
 */
const factorsByProvider: Readonly<Record<string, Readonly<Record<string, TierFactors>>>> = {
  anthropic: { batch: half },
  openai: { batch: half, flex: half },
  google: { batch: { cacheRead: 1, other: 0.5 }, flex: halfWithoutCache },
}

/**
 * @param providerId as genai-prices names it
 * @param tier as `serviceTierOf` of `run/` gives it
 * @returns `undefined` where the provider publishes no rule that holds for every model
 */
export function tierFactors(providerId: string, modelId: string, tier: string): TierFactors | undefined {
  // Google hosts models of others, by their price lists.
  if (providerId === 'google' && !modelId.startsWith('gemini')) return undefined
  if (providerId === 'openai' && tier === 'batch' && beforeGpt5.test(modelId)) return halfWithoutCache
  return factorsByProvider[providerId]?.[tier]
}
