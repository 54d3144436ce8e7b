import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { FunctionPrice } from './function-price.ts'
import { installedGenaiPackage, type GenaiPackage } from './genai-package.ts'
import { OwnPrice } from './own-price.ts'
import { PriceList } from './price-list.ts'
import type { OwnSource, PriceSource } from './price-source.ts'
import type { Price } from './price.ts'
import { clampedCall, type PricedCall } from './priced-call.ts'

export type { ModelPrice, PriceFunction, PriceSource } from './price-source.ts'
export type { PricedCall } from './priced-call.ts'

/** What a {@link PriceBook} tells the code that owns it, instead of throwing. */
export interface PriceBookOptions {
  /** Called where a price function threw, or answered something that is no price. That call is unpriced. */
  readonly onFunctionError?: ((error: unknown) => void) | undefined
  /** Called once, where `@pydantic/genai-prices` was needed and cannot be loaded: nothing is priced by it. */
  readonly onListMissing?: ((error: unknown) => void) | undefined
  /** Where the list prices come from, in tests. @internal */
  readonly genaiPackage?: GenaiPackage | undefined
}

/** A longer name is no model's and no provider's, and not worth its place in the memory. */
const maxNameLength = 512

/** How many pairs of provider and model are remembered at most, known or not; then all are forgotten. */
const maxRememberedModels = 4_096

/** What is remembered of one model of one provider. */
interface ModelPrices {
  /** Asked in this order, before the list. */
  readonly own: readonly Price[]
  /** `undefined` before it is looked up. */
  listed: Price | undefined
}

const unknownPrice: Price = { nanoUsdOf: () => undefined }

/**
 * Prices model calls. What a model costs is found once per provider and model, compiled, and remembered, also that
 * nobody knows it; a call then costs two lookups and a few multiplications.
 */
export class PriceBook {
  /** What prices the calls, for `runspan.cost.price_table`: `genai-prices 0.1.8`, `own prices, genai-prices 0.1.8` … */
  readonly tableName: string
  readonly #own: readonly (OwnPrice | FunctionPrice)[]
  readonly #list: PriceList | undefined
  readonly #onListMissing: ((error: unknown) => void) | undefined
  readonly #remembered = new Map<string | undefined, Map<string, ModelPrices>>()
  #rememberedModels = 0
  #isListMissing = false

  /** @throws {@link RunspanError} `bad_configuration` where the source cannot be used */
  constructor(source: PriceSource = 'genai-prices', options: PriceBookOptions = {}) {
    const { own, isExclusive } = readSource(source, options.onFunctionError)
    this.#own = own
    this.#list = isExclusive ? undefined : new PriceList(options.genaiPackage ?? installedGenaiPackage())
    this.#onListMissing = options.onListMissing
    const names = [...(own.length > 0 ? ['own prices'] : []), ...(this.#list === undefined ? [] : [this.#list.name])]
    this.tableName = names.length > 0 ? names.join(', ') : 'none'
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
    const provider = isName(call.provider) ? call.provider : undefined
    const { model } = call
    if (!isName(model)) return undefined
    const clamped = clampedCall(call)
    const prices = this.#remembered.get(provider)?.get(model) ?? this.#remember(provider, model)
    for (const price of prices.own) {
      const nanoUsd = price.nanoUsdOf(clamped)
      if (nanoUsd !== undefined) return wholeNanoUsd(nanoUsd)
    }
    const listed = prices.listed ?? this.#lookUp(prices, provider, model)
    const nanoUsd = listed?.nanoUsdOf(clamped)
    return nanoUsd === undefined ? undefined : wholeNanoUsd(nanoUsd)
  }

  #remember(provider: string | undefined, model: string): ModelPrices {
    // Nobody calls thousands of models: names as many as that are made up, and one sweep costs less than an order list.
    if (this.#rememberedModels >= maxRememberedModels) {
      this.#remembered.clear()
      this.#rememberedModels = 0
    }
    const own: Price[] = []
    for (const source of this.#own) {
      if (source instanceof FunctionPrice) own.push(source)
      else if (source.covers(provider, model)) own.push(source.price)
    }
    const prices: ModelPrices = { own, listed: this.#list === undefined ? unknownPrice : undefined }
    const models = this.#remembered.get(provider)
    if (models === undefined) this.#remembered.set(provider, new Map([[model, prices]]))
    else models.set(model, prices)
    this.#rememberedModels++
    return prices
  }

  /** Not before it is needed: who has own prices for all of its models never loads the list. */
  #lookUp(prices: ModelPrices, provider: string | undefined, model: string): Price | undefined {
    const lookup = this.#list?.lookUp(provider, model)
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

function isName(value: string | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxNameLength
}

/** NaN stands for a price that failed. Beyond nine million dollars a double is not exact, and the call is no call. */
function wholeNanoUsd(nanoUsd: number): number | undefined {
  return nanoUsd <= Number.MAX_SAFE_INTEGER ? Math.round(nanoUsd) : undefined
}

interface ReadSource {
  readonly own: readonly (OwnPrice | FunctionPrice)[]
  /** Whether genai-prices is left out. */
  readonly isExclusive: boolean
}

function readSource(source: PriceSource, onFunctionError: PriceBookOptions['onFunctionError']): ReadSource {
  if (source === 'genai-prices') return { own: [], isExclusive: false }
  if (source === 'none') return { own: [], isExclusive: true }
  const entries: readonly OwnSource[] = typeof source === 'function' ? [source] : source
  if (!Array.isArray(entries)) {
    throw new RunspanError(
      'bad_configuration',
      `Failed to configure prices: ${textOf(source)} cannot be used. ` +
        `Use 'genai-prices', 'none', a list of prices or a function.`,
    )
  }
  const isExclusive = entries.at(-1) === 'none'
  const onError = (error: unknown): void => onFunctionError?.(error)
  const own = (isExclusive ? entries.slice(0, -1) : entries).map((entry: OwnSource, index) =>
    typeof entry === 'function' ? new FunctionPrice(entry, onError) : new OwnPrice(entry, `prices[${index}]`),
  )
  return { own, isExclusive }
}
