import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import type { ModelPrice } from './price-source.ts'
import { unixMillisOf } from './unix-millis.ts'

const amountKeys = [
  'inputUsdPerMillionTokens',
  'outputUsdPerMillionTokens',
  'cacheReadUsdPerMillionTokens',
  'cacheWriteUsdPerMillionTokens',
  'cacheWrite1hUsdPerMillionTokens',
  'reasoningUsdPerMillionTokens',
  'audioInputUsdPerMillionTokens',
  'audioCacheReadUsdPerMillionTokens',
  'audioOutputUsdPerMillionTokens',
  'imageInputUsdPerMillionTokens',
  'imageCacheReadUsdPerMillionTokens',
  'imageOutputUsdPerMillionTokens',
] as const

const requiredKeys: ReadonlySet<string> = new Set(['inputUsdPerMillionTokens', 'outputUsdPerMillionTokens'])

const knownKeys: ReadonlySet<string> = new Set([
  'model',
  'provider',
  'serviceTier',
  'from',
  'until',
  'callUsd',
  'longCalls',
  ...amountKeys,
])

const longCallKeys: ReadonlySet<string> = new Set(['aboveInputTokens', ...amountKeys])

type Fields = Readonly<Record<string, unknown>>

/** @throws {@link RunspanError} `bad_configuration` where an entry of the application's own table cannot be used */
export function checkModelPrice(entry: unknown, path: string): asserts entry is ModelPrice {
  if (!isObject(entry)) {
    throw badPrices(path, entry, "Give a price with model, input and output, a function, a table, or 'none' at the end")
  }
  checkKeys(entry, knownKeys, path)
  const { model, provider, serviceTier, callUsd, longCalls } = entry
  if (!(model instanceof RegExp) && !isName(model)) {
    throw badPrices(`${path}.model`, model, 'Give the name of a model, or a regular expression')
  }
  if (provider !== undefined && !isName(provider))
    throw badPrices(`${path}.provider`, provider, 'Give a name, or leave it out')
  if (serviceTier !== undefined && !isName(serviceTier))
    throw badPrices(`${path}.serviceTier`, serviceTier, "Give a name such as 'batch', or leave it out")
  if (callUsd !== undefined && !isAmount(callUsd))
    throw badPrices(`${path}.callUsd`, callUsd, 'Give US dollars per call, or leave it out')
  checkAmounts(entry, requiredKeys, path)
  checkTimes(entry, path)
  if (longCalls === undefined) return
  if (!Array.isArray(longCalls)) throw badPrices(`${path}.longCalls`, longCalls, 'Give a list, or leave it out')
  for (const [index, longCall] of longCalls.entries()) checkLongCall(longCall, `${path}.longCalls[${index}]`)
}

function checkLongCall(longCall: unknown, path: string): void {
  if (!isObject(longCall)) throw badPrices(path, longCall, 'Give prices with aboveInputTokens')
  checkKeys(longCall, longCallKeys, path)
  const { aboveInputTokens } = longCall
  if (!isAmount(aboveInputTokens)) {
    throw badPrices(`${path}.aboveInputTokens`, aboveInputTokens, 'Give a number of tokens, at least 0')
  }
  checkAmounts(longCall, new Set(), path)
}

function checkKeys(fields: Fields, known: ReadonlySet<string>, path: string): void {
  for (const key of Object.keys(fields)) {
    if (!known.has(key)) throw badPrices(path, key, `There is no such field; the fields are ${[...known].join(', ')}`)
  }
}

function checkAmounts(fields: Fields, required: ReadonlySet<string>, path: string): void {
  for (const key of amountKeys) {
    const amount = fields[key]
    if (amount === undefined && !required.has(key)) continue
    if (!isAmount(amount)) {
      throw badPrices(`${path}.${key}`, amount, 'Give US dollars per million tokens, 0 where they are free')
    }
  }
}

function checkTimes({ from, until }: Fields, path: string): void {
  for (const [key, time] of [
    ['from', from],
    ['until', until],
  ] as const) {
    if (time !== undefined && Number.isNaN(unixMillisOf(time))) {
      throw badPrices(`${path}.${key}`, time, "Give a Date, or text such as '2026-01-31'")
    }
  }
  if (from !== undefined && until !== undefined && unixMillisOf(from) >= unixMillisOf(until)) {
    throw badPrices(`${path}.until`, until, 'Give a time after from')
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !(value instanceof RegExp)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}

/** What every field of the application's prices that cannot be used is refused with. */
export function badPrices(path: string, value: unknown, whatToDo: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure ${path}: ${textOf(value)} cannot be used. ${whatToDo}.`,
  )
}
