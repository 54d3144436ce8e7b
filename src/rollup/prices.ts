import { systemClock, type Clock } from '../internal/clock.ts'
import { wholeBuckets, type CostBreakdown, type CostBuckets } from './cost-buckets.ts'
import { FunctionPrice } from './function-price.ts'
import { installedGenaiPackage, type GenaiPackage } from './genai-package.ts'
import type { OwnPrice } from './own-price.ts'
import { PriceList } from './price-list.ts'
import type { PriceSource } from './price-source.ts'
import type { Price } from './price.ts'
import { clampedCall, type PricedCall } from './priced-call.ts'
import { readPriceSource } from './read-price-source.ts'

export type { CallDetails } from './call-details.ts'
export type { CostBreakdown, CostBucket, CostBuckets } from './cost-buckets.ts'
export type { LongCallPrices, ModelPrice, PriceFunction, PriceSource, PriceTable, TokenPrices } from './price-source.ts'
export type { PricedCall } from './priced-call.ts'

/** What a {@link PriceBook} tells the code that owns it, instead of throwing. */
export interface PriceBookOptions {
  /** Called where a price function threw, or answered something that is no price. That call is unpriced. */
  readonly onFunctionError?: ((error: unknown) => void) | undefined
  /** Called once, where `@pydantic/genai-prices` was needed and cannot be loaded: nothing is priced by it. */
  readonly onListMissing?: ((error: unknown) => void) | undefined
  /** Where the list prices come from, in tests. @internal */
  readonly genaiPackage?: GenaiPackage | undefined
  /** What plans the loading, in tests. @internal */
  readonly clock?: Clock | undefined
}

/** A longer name is no model's and no provider's, and not worth its place in the memory. */
const maxNameLength = 512

/** How many pairs of provider and model are remembered at most, known or not; then all are forgotten. */
const maxRememberedModels = 4_096

/** What is remembered of one model of one provider. */
interface ModelPrices {
  readonly provider: string | undefined
  readonly model: string
  /** Asked in this order, before the list. */
  readonly own: readonly Price[]
  /** Whether the application's own table has the model. */
  readonly isOwn: boolean
  /** `undefined` before it is looked up. */
  listed: Price | undefined
}

/** By then a run's first request is on its way, and no model has answered. */
const loadDelayMillis = 10

const unknownPrice: Price = { nanoUsdOf: () => undefined, bucketsOf: () => undefined }

/**
 * Prices model calls. What a model costs is found once per provider and model, compiled, and remembered, also that
 * nobody knows it; a call then costs two lookups and a few multiplications.
 */
export class PriceBook {
  /**
   * What prices the calls, with versions and dates, for `runspan.cost.price_table`: `genai-prices 0.1.8 (2026-09-23)`,
   * `acme contract (2026-01-01), genai-prices 0.1.8 (2026-09-23)`, `own prices` …
   */
  readonly tableName: string
  readonly #own: readonly (OwnPrice | FunctionPrice)[]
  readonly #list: PriceList | undefined
  readonly #onListMissing: ((error: unknown) => void) | undefined
  readonly #clock: Clock
  readonly #remembered = new Map<string | undefined, Map<string, ModelPrices>>()
  #rememberedModels = 0
  /** Those of the last call: most agents ask one model again and again. */
  #last: ModelPrices | undefined
  #isListMissing = false
  #isLoadPlanned = false

  /** @throws {@link RunspanError} `bad_configuration` where the source cannot be used */
  constructor(source: PriceSource = 'genai-prices', options: PriceBookOptions = {}) {
    const { prices, names, isExclusive } = readPriceSource(source, (error) => options.onFunctionError?.(error))
    this.#own = prices
    this.#list = isExclusive ? undefined : new PriceList(options.genaiPackage ?? installedGenaiPackage())
    this.#onListMissing = options.onListMissing
    this.#clock = options.clock ?? systemClock
    const tables = this.#list === undefined ? names : [...names, this.#list.name]
    this.tableName = tables.length > 0 ? tables.join(', ') : 'none'
  }

  /** How many pairs of provider and model are remembered now; at most 4096. */
  get rememberedModels(): number {
    return this.#rememberedModels
  }

  /**
   * The cost of one call in whole billionths of a US dollar; 0 for a free model, `undefined` where nobody knows.
   *
   * Throws nothing, whatever the call holds. Rounded once, here, to the nearest whole number: a sum over n calls is off
   * by n / 2 billionths at most.
   */
  price(call: PricedCall): number | undefined {
    const nanoUsd = this.#ask(call, nanoUsdOf)
    return nanoUsd === undefined ? undefined : wholeNanoUsd(nanoUsd)
  }

  /**
   * The cost of one call, as {@link price} tells it, with what it was charged for. For those who ask: it takes several
   * times as long.
   */
  costBreakdown(call: PricedCall): CostBreakdown | undefined {
    const buckets = this.#ask(call, bucketsOf)
    return buckets === undefined ? undefined : wholeBuckets(buckets)
  }

  /** What the first price says that knows the call: those of the application's own, then the list's. */
  #ask<T>(call: PricedCall, question: (price: Price, call: PricedCall) => T | undefined): T | undefined {
    const provider = isName(call.provider) ? call.provider : undefined
    const { model } = call
    if (!isName(model)) return undefined
    const clamped = clampedCall(call)
    const prices = this.#pricesOf(provider, model)
    for (const price of prices.own) {
      const answer = question(price, clamped)
      if (answer !== undefined) return answer
    }
    const listed = this.#listedPrice(prices, clamped)
    return listed === undefined ? undefined : question(listed, clamped)
  }

  /**
   * Loads the price list, where there is one and it has not been loaded, in a moment and not now: called as a run
   * begins, it is there before the first model has answered. Keeps no process alive. Who has prices of their own may
   * never need it, and loads it with the first call that they do not know.
   */
  loadSoon(): void {
    if (this.#isLoadPlanned) return
    this.#isLoadPlanned = true
    const list = this.#list
    if (list !== undefined && this.#own.length === 0) this.#clock.after(loadDelayMillis, () => list.load())
  }

  /** `undefined` where the list is not asked: the own table has the model, and no price for the call's tier. */
  #listedPrice(prices: ModelPrices, { details }: PricedCall): Price | undefined {
    if (prices.isOwn && details?.serviceTier !== undefined) return undefined
    return prices.listed ?? this.#lookUp(prices)
  }

  #pricesOf(provider: string | undefined, model: string): ModelPrices {
    const last = this.#last
    if (last !== undefined && last.model === model && last.provider === provider) return last
    return (this.#last = this.#remembered.get(provider)?.get(model) ?? this.#remember(provider, model))
  }

  #remember(provider: string | undefined, model: string): ModelPrices {
    // Nobody calls thousands of models: names as many as that are made up, and one sweep costs less than an order list.
    if (this.#rememberedModels >= maxRememberedModels) {
      this.#remembered.clear()
      this.#rememberedModels = 0
    }
    const own = this.#own.filter((price) => price instanceof FunctionPrice || price.covers(provider, model))
    const isOwn = own.some((price) => !(price instanceof FunctionPrice))
    const prices: ModelPrices = {
      provider,
      model,
      own,
      isOwn,
      listed: this.#list === undefined ? unknownPrice : undefined,
    }
    const models = this.#remembered.get(provider)
    if (models === undefined) this.#remembered.set(provider, new Map([[model, prices]]))
    else models.set(model, prices)
    this.#rememberedModels++
    return prices
  }

  /** Not before it is needed: who has own prices for all of its models never loads the list. */
  #lookUp(prices: ModelPrices): Price | undefined {
    const lookup = this.#list?.lookUp(prices.provider, prices.model)
    if (lookup === undefined || lookup.status === 'loading') return undefined
    if (lookup.status === 'missing') this.#reportMissing(lookup.error)
    prices.listed = lookup.status === 'listed' ? lookup.price : unknownPrice
    return prices.listed
  }

  #reportMissing(error: unknown): void {
    if (this.#isListMissing) return
    this.#isListMissing = true
    this.#onListMissing?.(error)
  }
}

const nanoUsdOf = (price: Price, call: PricedCall): number | undefined => price.nanoUsdOf(call)
const bucketsOf = (price: Price, call: PricedCall): CostBuckets | undefined => price.bucketsOf(call)

function isName(value: string | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxNameLength
}

/** NaN stands for a price that failed. Beyond nine million dollars a double is not exact, and the call is no call. */
function wholeNanoUsd(nanoUsd: number): number | undefined {
  return nanoUsd <= Number.MAX_SAFE_INTEGER ? Math.round(nanoUsd) : undefined
}
