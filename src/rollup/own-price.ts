import { checkModelPrice } from './check-model-price.ts'
import { CompiledPrice, type RateBand } from './compiled-price.ts'
import type { CostBuckets } from './cost-buckets.ts'
import type { Price } from './price.ts'
import type { PricedCall } from './priced-call.ts'
import type { LongCallPrices, ModelPrice, TokenPrices } from './price-source.ts'
import { providerIdOf } from './provider-id.ts'
import { serviceTierOf } from '../run/service-tier.ts'
import { ratesOf, type TokenRates } from './token-rates.ts'
import { unixMillisOf } from './unix-millis.ts'

/** One entry of the application's own table, checked and compiled. */
export class OwnPrice implements Price {
  readonly #model: string | RegExp
  readonly #providerId: string | undefined
  readonly #serviceTier: string | undefined
  readonly #compiled: CompiledPrice

  /**
   * @param path where the entry stands, for messages: `prices[0]`
   * @throws {@link RunspanError} `bad_configuration` where a field cannot be used
   */
  constructor(entry: unknown, path: string) {
    checkModelPrice(entry, path)
    const { model, provider, serviceTier } = entry
    // A copy: a global or sticky pattern remembers where it matched last.
    this.#model = typeof model === 'string' ? model : new RegExp(model)
    this.#providerId = provider === undefined ? undefined : providerIdOf(provider)
    this.#serviceTier = serviceTier === undefined ? undefined : serviceTierOf(serviceTier)
    this.#compiled = compile(entry)
  }

  /** Whether the entry is about this model of this provider. */
  covers(provider: string | undefined, model: string): boolean {
    if (this.#providerId !== undefined && (provider === undefined || providerIdOf(provider) !== this.#providerId))
      return false
    if (typeof this.#model === 'string') return this.#model === model
    this.#model.lastIndex = 0
    return this.#model.test(model)
  }

  nanoUsdOf(call: PricedCall): number | undefined {
    return call.details?.serviceTier === this.#serviceTier ? this.#compiled.nanoUsdOf(call) : undefined
  }

  bucketsOf(call: PricedCall): CostBuckets | undefined {
    return call.details?.serviceTier === this.#serviceTier ? this.#compiled.bucketsOf(call) : undefined
  }
}

function compile(entry: ModelPrice): CompiledPrice {
  const longest = (entry.longCalls ?? []).toSorted((a, b) => b.aboveInputTokens - a.aboveInputTokens)
  const bands: RateBand[] = longest.map((prices) => ({
    aboveInputTokens: prices.aboveInputTokens,
    rates: ratesFor(withPrices(entry, prices), entry.callUsd),
  }))
  return new CompiledPrice([
    {
      fromUnixMillis: entry.from === undefined ? -Infinity : unixMillisOf(entry.from),
      untilUnixMillis: entry.until === undefined ? Infinity : unixMillisOf(entry.until),
      timeOfDay: undefined,
      bands: [...bands, { aboveInputTokens: -1, rates: ratesFor(entry, entry.callUsd) }],
    },
  ])
}

/** The prices of shorter calls, and in their stead those that are given. */
function withPrices(entry: TokenPrices, longCall: LongCallPrices): TokenPrices {
  const given = Object.fromEntries(Object.entries(longCall).filter(([, value]) => value !== undefined))
  return { ...entry, ...given }
}

function ratesFor(prices: TokenPrices, callUsd = 0): TokenRates {
  const input = prices.inputUsdPerMillionTokens
  const usd = {
    input,
    output: prices.outputUsdPerMillionTokens,
    cacheRead: prices.cacheReadUsdPerMillionTokens,
    cacheWrite: prices.cacheWriteUsdPerMillionTokens,
    reasoning: prices.reasoningUsdPerMillionTokens,
    cacheWrite1h: prices.cacheWrite1hUsdPerMillionTokens,
    audioInput: prices.audioInputUsdPerMillionTokens,
    audioCacheRead: prices.audioCacheReadUsdPerMillionTokens,
    audioOutput: prices.audioOutputUsdPerMillionTokens,
    imageInput: prices.imageInputUsdPerMillionTokens ?? input,
    imageCacheRead: prices.imageCacheReadUsdPerMillionTokens ?? prices.cacheReadUsdPerMillionTokens ?? input,
    imageOutput: prices.imageOutputUsdPerMillionTokens,
  }
  return ratesOf(usd, callUsd * 1e9)
}
