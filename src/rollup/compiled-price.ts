import { bucketsAt, type CostBuckets } from './cost-buckets.ts'
import type { Price } from './price.ts'
import type { PricedCall } from './priced-call.ts'
import type { TierFactors } from './service-tier.ts'
import { nanoUsdAt, nanoUsdWithDetailsAt, scaledRates, type TokenRates } from './token-rates.ts'

/** Rates that hold for calls of a certain size. */
export interface RateBand {
  /** Holds for calls with more input tokens than this, and then for all of their tokens. -1: for every call. */
  readonly aboveInputTokens: number
  readonly rates: TokenRates
}

/** A part of the UTC day, from inclusive, until exclusive. It runs over midnight where it ends before it begins. */
export interface TimeOfDay {
  readonly fromMillis: number
  readonly untilMillis: number
}

/** Rates that hold for a certain time. */
export interface PriceWindow {
  /** Inclusive. */
  readonly fromUnixMillis: number
  /** Exclusive. */
  readonly untilUnixMillis: number
  readonly timeOfDay: TimeOfDay | undefined
  /** Highest threshold first. Empty where the price of this time cannot be told from tokens. */
  readonly bands: readonly RateBand[]
}

const dayMillis = 86_400_000

/** A model's price as flat rates per window of time and size of call: a call costs a few multiplications. */
export class CompiledPrice implements Price {
  readonly #windows: readonly PriceWindow[]
  /** The bands of a price that never changes. */
  readonly #onlyBands: readonly RateBand[] | undefined

  /** @param windows the first that covers a call's time applies; none may */
  constructor(windows: readonly PriceWindow[]) {
    this.#windows = windows
    const first = windows[0]
    this.#onlyBands = first !== undefined && isAlways(first) ? first.bands : undefined
  }

  nanoUsdOf(call: PricedCall): number | undefined {
    const rates = this.#ratesOf(call)
    if (rates === undefined) return undefined
    const { details } = call
    return details === undefined ? nanoUsdAt(rates, call) : nanoUsdWithDetailsAt(rates, call, details)
  }

  bucketsOf(call: PricedCall): CostBuckets | undefined {
    const rates = this.#ratesOf(call)
    return rates === undefined ? undefined : bucketsAt(rates, call)
  }

  /** The same price for another tier of service. */
  scaled(factors: TierFactors): CompiledPrice {
    return new CompiledPrice(
      this.#windows.map((window) => ({
        ...window,
        bands: window.bands.map(({ aboveInputTokens, rates }) => ({
          aboveInputTokens,
          rates: scaledRates(rates, factors),
        })),
      })),
    )
  }

  #ratesOf(call: PricedCall): TokenRates | undefined {
    const bands = this.#onlyBands ?? this.#bandsAt(call.timeUnixMillis)
    if (bands === undefined) return undefined
    for (const { aboveInputTokens, rates } of bands) {
      if (call.inputTokens > aboveInputTokens) return rates
    }
    return undefined
  }

  /** `undefined` for a time that is no number, too: which of several prices held then cannot be told. */
  #bandsAt(timeUnixMillis: number): readonly RateBand[] | undefined {
    for (const window of this.#windows) {
      if (timeUnixMillis < window.untilUnixMillis && timeUnixMillis >= window.fromUnixMillis) {
        if (window.timeOfDay === undefined || isInside(window.timeOfDay, timeUnixMillis)) return window.bands
      }
    }
    return undefined
  }
}

function isAlways(window: PriceWindow): boolean {
  return window.fromUnixMillis === -Infinity && window.untilUnixMillis === Infinity && window.timeOfDay === undefined
}

function isInside({ fromMillis, untilMillis }: TimeOfDay, timeUnixMillis: number): boolean {
  const millis = ((timeUnixMillis % dayMillis) + dayMillis) % dayMillis
  return untilMillis < fromMillis
    ? millis >= fromMillis || millis < untilMillis
    : millis >= fromMillis && millis < untilMillis
}
