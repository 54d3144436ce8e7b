import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { CompiledPrice } from './compiled-price.ts'
import type { Price } from './price.ts'
import type { ModelPrice } from './price-source.ts'
import { providerIdOf } from './provider-id.ts'
import { ratesOf } from './token-rates.ts'

const amountKeys = [
  'inputUsdPerMillionTokens',
  'outputUsdPerMillionTokens',
  'cacheReadUsdPerMillionTokens',
  'cacheWriteUsdPerMillionTokens',
] as const

const requiredKeys: ReadonlySet<string> = new Set(['inputUsdPerMillionTokens', 'outputUsdPerMillionTokens'])

const knownKeys: ReadonlySet<string> = new Set(['model', 'provider', 'from', 'until', ...amountKeys])

/** One entry of the application's own table, checked and compiled. */
export class OwnPrice {
  /** Holds at the entry's times only. */
  readonly price: Price
  readonly #model: string | RegExp
  readonly #providerId: string | undefined

  /**
   * @param path where the entry stands, for messages: `prices[0]`
   * @throws {@link RunspanError} `bad_configuration` where a field cannot be used
   */
  constructor(entry: ModelPrice | 'none', path: string) {
    check(entry, path)
    const { model, provider } = entry
    // A copy: a global or sticky pattern remembers where it matched last.
    this.#model = typeof model === 'string' ? model : new RegExp(model)
    this.#providerId = provider === undefined ? undefined : providerIdOf(provider)
    this.price = compile(entry)
  }

  /** Whether the entry is about this model of this provider. */
  covers(provider: string | undefined, model: string): boolean {
    if (this.#providerId !== undefined && (provider === undefined || providerIdOf(provider) !== this.#providerId))
      return false
    if (typeof this.#model === 'string') return this.#model === model
    this.#model.lastIndex = 0
    return this.#model.test(model)
  }
}

function compile(entry: ModelPrice): Price {
  const usd = {
    input: entry.inputUsdPerMillionTokens,
    output: entry.outputUsdPerMillionTokens,
    cacheRead: entry.cacheReadUsdPerMillionTokens,
    cacheWrite: entry.cacheWriteUsdPerMillionTokens,
  }
  return new CompiledPrice([
    {
      fromUnixMillis: entry.from === undefined ? -Infinity : unixMillisOf(entry.from),
      untilUnixMillis: entry.until === undefined ? Infinity : unixMillisOf(entry.until),
      timeOfDay: undefined,
      bands: [{ aboveInputTokens: -1, rates: ratesOf(usd, 0) }],
    },
  ])
}

function check(entry: ModelPrice | 'none', path: string): asserts entry is ModelPrice {
  if (typeof entry !== 'object' || entry === null) {
    throw bad(path, entry, "Give a price with model, input and output, a function, or 'none' at the end")
  }
  for (const key of Object.keys(entry)) {
    if (!knownKeys.has(key)) throw bad(path, key, `There is no such field; the fields are ${[...knownKeys].join(', ')}`)
  }
  const { model, provider, from, until } = entry
  if (!(model instanceof RegExp) && !isName(model)) {
    throw bad(`${path}.model`, model, 'Give the name of a model, or a regular expression')
  }
  if (provider !== undefined && !isName(provider))
    throw bad(`${path}.provider`, provider, 'Give a name, or leave it out')
  for (const key of amountKeys) {
    const amount: unknown = entry[key]
    if (amount === undefined && !requiredKeys.has(key)) continue
    if (typeof amount !== 'number' || !(amount >= 0 && amount < Infinity)) {
      throw bad(`${path}.${key}`, amount, 'Give US dollars per million tokens, 0 where they are free')
    }
  }
  for (const [key, time] of [
    ['from', from],
    ['until', until],
  ] as const) {
    if (time !== undefined && Number.isNaN(unixMillisOf(time))) {
      throw bad(`${path}.${key}`, time, "Give a Date, or text such as '2026-01-31'")
    }
  }
  if (from !== undefined && until !== undefined && unixMillisOf(from) >= unixMillisOf(until)) {
    throw bad(`${path}.until`, until, 'Give a time after from')
  }
}

/** NaN where the value is no time. */
function unixMillisOf(time: unknown): number {
  if (time instanceof Date) return time.getTime()
  return typeof time === 'string' ? Date.parse(time) : Number.NaN
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function bad(path: string, value: unknown, whatToDo: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure ${path}: ${textOf(value)} cannot be used. ${whatToDo}.`,
  )
}
