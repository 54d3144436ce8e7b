import type { PricedCall } from './priced-call.ts'

/** What the tokens of a model cost, in US dollars per million. */
export interface TokenPrices {
  /** Text input that no cache has to do with. */
  readonly inputUsdPerMillionTokens: number
  /** Text output. */
  readonly outputUsdPerMillionTokens: number
  /** Input read from the provider's cache. @defaultValue as other input */
  readonly cacheReadUsdPerMillionTokens?: number | undefined
  /** Input written to the provider's cache, for its default time. @defaultValue as other input */
  readonly cacheWriteUsdPerMillionTokens?: number | undefined
  /** Input written to the provider's cache for an hour. @defaultValue none: calls that have any are unpriced */
  readonly cacheWrite1hUsdPerMillionTokens?: number | undefined
  /** Reasoning. @defaultValue as other output */
  readonly reasoningUsdPerMillionTokens?: number | undefined
  /** Audio input. @defaultValue none: calls that have any are unpriced */
  readonly audioInputUsdPerMillionTokens?: number | undefined
  /** Audio input read from the provider's cache. @defaultValue none: calls that have any are unpriced */
  readonly audioCacheReadUsdPerMillionTokens?: number | undefined
  /** Audio output. @defaultValue none: calls that have any are unpriced */
  readonly audioOutputUsdPerMillionTokens?: number | undefined
  /** Image input. @defaultValue as other input */
  readonly imageInputUsdPerMillionTokens?: number | undefined
  /** Image input read from the provider's cache. @defaultValue as other input from there */
  readonly imageCacheReadUsdPerMillionTokens?: number | undefined
  /** Image output. @defaultValue none: calls that have any are unpriced */
  readonly imageOutputUsdPerMillionTokens?: number | undefined
}

/** What all tokens of a long call cost. A price that is left out is that of shorter calls. */
export interface LongCallPrices extends Partial<TokenPrices> {
  /** Holds for calls with more input tokens than this, cached ones included. At least 0. */
  readonly aboveInputTokens: number
}

/** A price of the application's own for the calls of one model: a negotiated one, or of a model nobody lists. */
export interface ModelPrice extends TokenPrices {
  /** The model as calls name it: exactly, or by a pattern. */
  readonly model: string | RegExp
  /**
   * Who serves it, in any of the spellings that calls use (`azure`, `azure.ai.openai` …).
   *
   * @defaultValue every provider, and calls that name none
   */
  readonly provider?: string | undefined
  /**
   * The provider's tier of service that the price is about: `batch`, `flex`, `priority` … A call of a tier that no entry
   * of its model names is unpriced.
   *
   * @defaultValue the standard tier
   */
  readonly serviceTier?: string | undefined
  /** Other prices for calls with much input; of those that hold the highest does. */
  readonly longCalls?: readonly LongCallPrices[] | undefined
  /** Charged once per call, in US dollars. @defaultValue 0 */
  readonly callUsd?: number | undefined
  /**
   * From when on the price holds, inclusive: a date, or ISO 8601 text, where a bare day begins at midnight UTC.
   *
   * @defaultValue ever
   */
  readonly from?: Date | string | undefined
  /** Until when the price holds, exclusive. @defaultValue for good */
  readonly until?: Date | string | undefined
}

/** A list of own prices that says what it is, so that the run's root does: `runspan.cost.price_table`. */
export interface PriceTable {
  /** What the table is called, in at most 64 characters: `acme rates`. */
  readonly name: string
  /** The day it is from, as ISO 8601 text: `2026-11-01`. */
  readonly date?: string | undefined
  readonly prices: readonly ModelPrice[]
}

/**
 * Prices one call, in US dollars; `undefined` where it does not know. Called while a span ends: it must be fast, and
 * cannot wait for anything. A call it throws for stays unpriced.
 */
export type PriceFunction = (call: PricedCall) => number | undefined

/** One entry of a list of own prices; `'none'` may stand at its end. */
export type OwnSource = ModelPrice | PriceTable | PriceFunction | 'none'

/**
 * Where prices come from.
 *
 * - `'genai-prices'`: the list prices that the package `@pydantic/genai-prices` ships, as of the call's time. Nothing
 *   is fetched.
 * - a function, a table, or a list of own prices, tables and functions: asked in this order, the first that knows
 *   decides; then `'genai-prices'`. A list that ends with `'none'` stops there: `[{ model: 'my-model', … }, 'none']`.
 * - `'none'`: no call is priced.
 *
 * List prices are estimates: they know no discounts that were negotiated, no web searches and no storage. Tiers of
 * service and kinds of tokens that the provider publishes no rule for leave a call unpriced. What the provider reports
 * itself goes before any price.
 *
 * @example
 * ```ts
 * import { RunRollupProcessor } from 'runspan'
 *
 * const negotiated = {
 *   name: 'acme contract',
 *   date: '2026-01-01',
 *   prices: [
 *     {
 *       model: /^gpt-5/,
 *       provider: 'azure',
 *       inputUsdPerMillionTokens: 1,
 *       cacheReadUsdPerMillionTokens: 0.1,
 *       outputUsdPerMillionTokens: 8,
 *     },
 *   ],
 * }
 * const rollup = new RunRollupProcessor({ prices: negotiated })
 * ```
 */
export type PriceSource = 'genai-prices' | 'none' | PriceFunction | PriceTable | readonly OwnSource[]
