import type { Usage } from '@pydantic/genai-prices'

import type { CostBuckets } from './cost-buckets.ts'
import type { GenaiPackage, GenaiPrices } from './genai-package.ts'
import { publishedOnByVersion } from './list-dates.ts'
import { compileListedPrice, isPriceOfTokens } from './listed-price.ts'
import type { Price } from './price.ts'
import type { PricedCall } from './priced-call.ts'
import { isUnlistedHost, providerIdOf } from './provider-id.ts'
import { TieredPrice } from './tiered-price.ts'

/**
 * The package's name for a provider that it has to guess: it tries `provider/model` first, and the model alone then.
 * A superset of leaving the provider out.
 */
const anyProviderId = 'litellm'

/** The path in front of a model that Google's clients name: `publishers/google/models/gemini-2.5-pro`. */
const resourcePath = /^(?:.*\/)?models\//

/** What looking a model up came to. `loading`: not known yet, ask again at the next call. */
export type Lookup =
  | { readonly status: 'listed'; readonly price: Price }
  | { readonly status: 'unlisted' | 'loading' }
  | { readonly status: 'missing'; readonly error: unknown }

/** The list prices of genai-prices, found by the package's own matching and compiled. */
export class PriceList {
  readonly #package: GenaiPackage

  constructor(genaiPackage: GenaiPackage) {
    this.#package = genaiPackage
  }

  /** Name, version and date, for the attribute that says where prices came from. */
  get name(): string {
    const { version } = this.#package
    if (version === undefined) return 'genai-prices'
    const publishedOn = publishedOnByVersion[version]
    return publishedOn === undefined ? `genai-prices ${version}` : `genai-prices ${version} (${publishedOn})`
  }

  /** Loads the list where that has not happened yet, and finds a model in it: the first takes longer than others. */
  load(): void {
    this.lookUp('openai', 'gpt-5')
  }

  /** Finds and compiles the price of one model. Takes tens of microseconds: the caller remembers the answer. */
  lookUp(provider: string | undefined, model: string): Lookup {
    if (provider !== undefined && isUnlistedHost(provider)) return { status: 'unlisted' }
    const state = this.#package.load()
    if (state.status !== 'ready') return state
    const price = find(state.genaiPrices, provider, model)
    return price === undefined ? { status: 'unlisted' } : { status: 'listed', price }
  }
}

function find(genaiPrices: GenaiPrices, provider: string | undefined, model: string): Price | undefined {
  try {
    const providerId = listedProviderId(genaiPrices, provider)
    const bareModel = model.replace(resourcePath, '')
    const price = compile(genaiPrices, providerId, model)
    return price !== undefined || bareModel === model ? price : compile(genaiPrices, providerId, bareModel)
  } catch {
    // The package throws on lists that it cannot make sense of.
    return undefined
  }
}

function listedProviderId(genaiPrices: GenaiPrices, provider: string | undefined): string {
  if (provider === undefined) return anyProviderId
  const providerId = providerIdOf(provider)
  return genaiPrices.findProvider({ providerId }) === undefined ? anyProviderId : providerId
}

function compile(genaiPrices: GenaiPrices, providerId: string, model: string): Price | undefined {
  // Without usage: only the match counts, not what the package says of an empty call.
  const found = genaiPrices.calcPrice({}, model, { providerId })
  if (found === null) return undefined
  const { model: listed, provider } = found
  const compiled = compileListedPrice(listed.prices, provider.id, listed.id)
  return compiled === undefined
    ? new AskedPrice(genaiPrices, providerId, model)
    : new TieredPrice(compiled, provider.id, listed.id)
}

/**
 * A price that only the package can tell: it is asked per call, which takes tens of microseconds. It knows the standard
 * tier alone, and of tokens without a rate that they are text: calls that have either are unpriced.
 */
class AskedPrice implements Price {
  readonly #genaiPrices: GenaiPrices
  readonly #providerId: string
  readonly #model: string

  constructor(genaiPrices: GenaiPrices, providerId: string, model: string) {
    this.#genaiPrices = genaiPrices
    this.#providerId = providerId
    this.#model = model
  }

  nanoUsdOf(call: PricedCall): number | undefined {
    if (call.details !== undefined) return undefined
    try {
      const timestamp = new Date(call.timeUnixMillis)
      const answer = this.#genaiPrices.calcPrice(usageOf(call), this.#model, {
        providerId: this.#providerId,
        timestamp,
      })
      return answer === null || !isPriceOfTokens(answer.model_price) ? undefined : answer.total_price * 1e9
    } catch {
      return undefined
    }
  }

  bucketsOf(call: PricedCall): CostBuckets | undefined {
    const nanoUsd = this.nanoUsdOf(call)
    return nanoUsd === undefined ? undefined : { undivided: nanoUsd }
  }
}

function usageOf(call: PricedCall): Usage {
  return {
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
    cache_read_tokens: call.cacheReadInputTokens,
    cache_write_tokens: call.cacheWriteInputTokens,
    output_reasoning_tokens: call.reasoningOutputTokens,
  }
}
