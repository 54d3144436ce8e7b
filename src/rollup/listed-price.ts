import type { ConditionalPrice, ModelInfo } from '@pydantic/genai-prices'

import { CompiledPrice, type PriceWindow, type RateBand, type TimeOfDay } from './compiled-price.ts'
import { freeRates, withMissingRates } from './missing-rates.ts'
import { ratesOf, type TokenRates, type UsdPerMillionTokens } from './token-rates.ts'

type Listed = Readonly<Record<string, unknown>>
type Tiered = { readonly base: number; readonly tiers: readonly { readonly start: number; readonly price: number }[] }

/** The keys of a price list whose quantities every call reports, be they zero. */
const keysOfEveryCall = new Set([
  'input_mtok',
  'cache_read_mtok',
  'cache_write_mtok',
  'output_mtok',
  'output_reasoning_mtok',
  'requests_kcount',
])

/** The keys whose quantities few calls report, in their details. */
const keysOfDetails = new Set([
  'cache_audio_read_mtok',
  'cache_image_read_mtok',
  'cache_write_1h_mtok',
  'input_audio_mtok',
  'input_image_mtok',
  'output_audio_mtok',
  'output_image_mtok',
])

/** The keys whose quantities no span reports. They count as zero, as they do in the package when they are left out. */
const keysOfUnknownQuantities = new Set([
  'audio_hours',
  'cache_write_5m_mtok',
  'input_annotated_document_kpages',
  'input_audio_hours',
  'input_document_kpages',
  'input_text_messages_kcount',
  'input_video_mtok',
  'output_audio_hours',
  'output_citation_mtok',
  'output_video_mtok',
  'rerank_searches_kcount',
  'storage_searches_kcount',
  'web_searches_kcount',
])

/** A US dollar per thousand calls, in nano-USD per call. */
const callNanoUsdOfUsdPerThousand = 1_000_000

/**
 * Compiles what the package lists for one model, by the package's own rules:
 *
 * - the last entry of a list whose condition holds applies, and the first where none does;
 * - a tier holds for calls with more input tokens than its start, and then for all of their tokens;
 * - cache and reasoning tokens without a rate of their own cost what other input and output does;
 * - what is not listed costs nothing, since the package's data leaves out zeros: an empty list is a free model.
 *
 * Three rules are ours. A list that knows only hours, pages or messages says nothing about tokens, and is no price. A
 * kind of token that the list has no rate for costs what {@link withMissingRates} says, or nobody knows what; the package
 * would take it for text. And where a model's one kind of output is no text, the output's rate is about that.
 *
 * @returns `undefined` where the list holds something that is not known here; only the package can price it then
 */
export function compileListedPrice(
  prices: ModelInfo['prices'],
  providerId: string,
  modelId: string,
): CompiledPrice | undefined {
  const entries: readonly ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }]
  const windows: PriceWindow[] = []
  const first = entries[0]
  // What the package falls back to when no condition holds stands last, without its condition.
  for (const entry of [...entries.toReversed(), first === undefined ? undefined : { prices: first.prices }]) {
    const window = entry === undefined ? undefined : windowOf(entry, providerId, modelId)
    if (window === undefined) return undefined
    windows.push(window)
    if (entry?.constraint === undefined) break
  }
  return new CompiledPrice(windows)
}

/** Whether a list says what tokens or calls cost, be it that they are free. */
export function isPriceOfTokens(listed: Listed): boolean {
  const keys = Object.keys(listed).filter((key) => listed[key] !== undefined)
  return keys.length === 0 || keys.some((key) => keysOfEveryCall.has(key) || keysOfDetails.has(key))
}

function windowOf(
  { constraint, prices }: ConditionalPrice,
  providerId: string,
  modelId: string,
): PriceWindow | undefined {
  const bands = bandsOf(prices, providerId, modelId)
  if (bands === undefined) return undefined
  const always = { fromUnixMillis: -Infinity, untilUnixMillis: Infinity, timeOfDay: undefined, bands }
  if (constraint === undefined) return always
  switch (constraint.type) {
    case 'start_date': {
      const fromUnixMillis = Date.parse(constraint.start_date)
      return Number.isNaN(fromUnixMillis) ? undefined : { ...always, fromUnixMillis }
    }
    case 'time_of_date': {
      const timeOfDay = timeOfDayOf(constraint.start_time, constraint.end_time)
      return timeOfDay === undefined ? undefined : { ...always, timeOfDay }
    }
    default:
      // A kind of condition that a later version of the package may bring.
      constraint satisfies never
      return undefined
  }
}

function timeOfDayOf(start: string, end: string): TimeOfDay | undefined {
  const fromMillis = millisOfDay(start)
  const untilMillis = millisOfDay(end)
  return fromMillis === undefined || untilMillis === undefined ? undefined : { fromMillis, untilMillis }
}

/** `16:30:00Z`, `18:30:00+02:00` → milliseconds since midnight UTC. */
function millisOfDay(time: string): number | undefined {
  const unixMillis = Date.parse(`2000-01-02T${time}`)
  return Number.isNaN(unixMillis) ? undefined : unixMillis % 86_400_000
}

/** Flat rates per size of call; `undefined` where something in the list is not known here. */
function bandsOf(listed: Listed, providerId: string, modelId: string): readonly RateBand[] | undefined {
  const starts = new Set<number>()
  for (const [key, value] of Object.entries(listed)) {
    if (value === undefined || keysOfUnknownQuantities.has(key)) continue
    if (!keysOfEveryCall.has(key) && !keysOfDetails.has(key)) return undefined
    if (isTiered(value)) for (const { start } of value.tiers) starts.add(start)
    else if (!isAmount(value)) return undefined
  }
  if (!isPriceOfTokens(listed)) return []
  return [-1, ...starts]
    .toSorted((a, b) => b - a)
    .map((aboveInputTokens) => ({ aboveInputTokens, rates: ratesAbove(aboveInputTokens, listed, providerId, modelId) }))
}

/** The rates of calls that are larger than a threshold, up to the next one. */
function ratesAbove(aboveInputTokens: number, listed: Listed, providerId: string, modelId: string): TokenRates {
  const usdOf = (key: string): number | undefined => amountAbove(aboveInputTokens, listed[key])
  const usd: UsdPerMillionTokens = {
    input: usdOf('input_mtok') ?? 0,
    output: usdOf('output_mtok') ?? 0,
    cacheRead: usdOf('cache_read_mtok'),
    cacheWrite: usdOf('cache_write_mtok'),
    reasoning: usdOf('output_reasoning_mtok'),
    cacheWrite1h: usdOf('cache_write_1h_mtok'),
    audioInput: usdOf('input_audio_mtok'),
    audioCacheRead: usdOf('cache_audio_read_mtok'),
    audioOutput: usdOf('output_audio_mtok'),
    imageInput: usdOf('input_image_mtok'),
    imageCacheRead: usdOf('cache_image_read_mtok'),
    imageOutput: usdOf('output_image_mtok'),
  }
  const callNanoUsd = (usdOf('requests_kcount') ?? 0) * callNanoUsdOfUsdPerThousand
  return ratesOf(Object.keys(listed).length === 0 ? freeRates : withMissingRates(usd, providerId, modelId), callNanoUsd)
}

function amountAbove(aboveInputTokens: number, value: unknown): number | undefined {
  if (!isTiered(value)) return value as number | undefined
  const reached = value.tiers.filter(({ start }) => start <= aboveInputTokens).toSorted((a, b) => a.start - b.start)
  return reached.at(-1)?.price ?? value.base
}

function isTiered(value: unknown): value is Tiered {
  if (typeof value !== 'object' || value === null) return false
  const { base, tiers } = value as Partial<Tiered>
  return isAmount(base) && Array.isArray(tiers) && tiers.every(({ start, price }) => start >= 0 && isAmount(price))
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}
