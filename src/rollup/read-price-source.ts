import { badPrices } from './check-model-price.ts'
import { FunctionPrice } from './function-price.ts'
import { OwnPrice } from './own-price.ts'
import type { OwnSource, PriceSource, PriceTable } from './price-source.ts'

/** The application's own prices, checked and compiled, in the order in which they are asked. */
export interface OwnPrices {
  readonly prices: readonly (OwnPrice | FunctionPrice)[]
  /** The names of its tables, `own prices` for what has no name. */
  readonly names: readonly string[]
  /** Whether nobody else is asked. */
  readonly isExclusive: boolean
}

/** A longer name says nothing more, and stands on every root. */
const maxNameLength = 64

/**
 * @param onFunctionError told of price functions that fail
 * @throws {@link RunspanError} `bad_configuration` where the source cannot be used
 */
export function readPriceSource(source: PriceSource, onFunctionError: (error: unknown) => void): OwnPrices {
  if (source === 'genai-prices') return { prices: [], names: [], isExclusive: false }
  if (source === 'none') return { prices: [], names: [], isExclusive: true }
  const entries: readonly OwnSource[] | undefined =
    typeof source === 'function' || isTable(source) ? [source] : Array.isArray(source) ? source : undefined
  if (entries === undefined) {
    throw badPrices('prices', source, "Use 'genai-prices', 'none', a list of prices, a table or a function")
  }
  const isExclusive = entries.at(-1) === 'none'
  const names = new Set<string>()
  const prices: (OwnPrice | FunctionPrice)[] = []
  for (const [index, entry] of (isExclusive ? entries.slice(0, -1) : entries).entries()) {
    // A source that is no list has no place in one.
    const path = entry === source ? 'prices' : `prices[${index}]`
    if (isTable(entry)) {
      names.add(nameOf(entry, path))
      prices.push(...entry.prices.map((price, place) => new OwnPrice(price, `${path}.prices[${place}]`)))
    } else {
      names.add('own prices')
      prices.push(typeof entry === 'function' ? new FunctionPrice(entry, onFunctionError) : new OwnPrice(entry, path))
    }
  }
  return { prices, names: [...names], isExclusive }
}

function isTable(source: unknown): source is PriceTable {
  return typeof source === 'object' && source !== null && 'prices' in source
}

function nameOf(table: PriceTable, path: string): string {
  const { name, date, prices, ...others } = table
  for (const key of Object.keys(others)) {
    throw badPrices(path, key, 'There is no such field; the fields of a table are name, date, prices')
  }
  if (typeof name !== 'string' || name.trim() === '' || name.length > maxNameLength) {
    throw badPrices(`${path}.name`, name, `Give a name of at most ${maxNameLength} characters`)
  }
  if (
    date !== undefined &&
    (typeof date !== 'string' || Number.isNaN(Date.parse(date)) || date.length > maxNameLength)
  ) {
    throw badPrices(`${path}.date`, date, "Give a day such as '2026-01-31', or leave it out")
  }
  if (!Array.isArray(prices)) throw badPrices(`${path}.prices`, prices, 'Give a list of prices')
  return date === undefined ? name.trim() : `${name.trim()} (${date})`
}
