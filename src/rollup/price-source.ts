import type { PricedCall } from './priced-call.ts'

/**
 * A price of the application's own for the calls of one model: a negotiated one, or of a model nobody lists. In US
 * dollars per million tokens.
 */
export interface ModelPrice {
  /** The model as calls name it: exactly, or by a pattern. */
  readonly model: string | RegExp
  /**
   * Who serves it, in any of the spellings that calls use (`azure`, `azure.ai.openai` …).
   *
   * @defaultValue every provider, and calls that name none
   */
  readonly provider?: string | undefined
  /** Input tokens that no cache has to do with. */
  readonly inputUsdPerMillionTokens: number
  /** Output tokens, reasoning included. */
  readonly outputUsdPerMillionTokens: number
  /** Input tokens read from the provider's cache. @defaultValue as other input */
  readonly cacheReadUsdPerMillionTokens?: number | undefined
  /** Input tokens written to the provider's cache. @defaultValue as other input */
  readonly cacheWriteUsdPerMillionTokens?: number | undefined
  /**
   * From when on the price holds, inclusive: a date, or ISO 8601 text, where a bare day begins at midnight UTC.
   *
   * @defaultValue ever
   */
  readonly from?: Date | string | undefined
  /** Until when the price holds, exclusive. @defaultValue for good */
  readonly until?: Date | string | undefined
}

/**
 * Prices one call, in US dollars; `undefined` where it does not know. Called while a span ends: it must be fast, and
 * cannot wait for anything. A call it throws for stays unpriced.
 */
export type PriceFunction = (call: PricedCall) => number | undefined

/** One entry of a list of own prices; `'none'` may stand at its end. */
export type OwnSource = ModelPrice | PriceFunction | 'none'

/**
 * Where prices come from.
 *
 * - `'genai-prices'`: the list prices that the package `@pydantic/genai-prices` ships, as of the call's time. Nothing
 *   is fetched.
 * - a function, or a list of own prices and functions: asked in this order, the first that knows decides; then
 *   `'genai-prices'`. A list that ends with `'none'` stops there: `[{ model: 'my-model', … }, 'none']`.
 * - `'none'`: no call is priced.
 *
 * List prices are estimates: they know no discounts, no batch or priority tiers, no web searches, and charge every
 * cache write as a five-minute one and every token as text. What the provider reports itself goes before any price.
 *
 * @example
 * ```ts
 * import { RunRollupProcessor } from 'runspan'
 *
 * const negotiated = {
 *   model: /^gpt-5/,
 *   provider: 'azure',
 *   inputUsdPerMillionTokens: 1,
 *   cacheReadUsdPerMillionTokens: 0.1,
 *   outputUsdPerMillionTokens: 8,
 *   from: '2026-01-01',
 * }
 * const rollup = new RunRollupProcessor({ prices: [negotiated] })
 * ```
 */
export type PriceSource = 'genai-prices' | 'none' | PriceFunction | readonly OwnSource[]
