/** What a price book makes of a package that is absent, late, or newer than it. The package itself is a port here. */
import { calcPrice, findProvider, type ModelInfo } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'

import type { GenaiPackage, GenaiPackageState, GenaiPrices } from '../../src/rollup/genai-package.ts'
import { PriceBook, type PricedCall } from '../../src/rollup/prices.ts'
import { FakeClock } from '../support/fake-clock.ts'

const call: PricedCall = {
  provider: 'openai',
  model: 'gpt-5',
  timeUnixMillis: Date.parse('2026-03-01T12:00:00Z'),
  inputTokens: 1_000,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheWriteInputTokens: 0,
  reasoningOutputTokens: 0,
}

function packageIn(state: () => GenaiPackageState): GenaiPackage {
  return { version: undefined, load: state }
}

/** The real package, with other prices for every model, counting how often it is asked. */
function relisted(prices: ModelInfo['prices']): { readonly book: PriceBook; readonly asked: () => number } {
  let asked = 0
  const genaiPrices: GenaiPrices = {
    findProvider,
    calcPrice: (usage, modelId, options) => {
      asked++
      const models = [{ id: modelId, match: { equals: modelId }, prices }]
      const provider = { id: 'x', name: 'x', api_pattern: '', models }
      const timestamp = options?.timestamp
      return calcPrice(usage, modelId, timestamp === undefined ? { provider } : { provider, timestamp })
    },
  }
  const genaiPackage = packageIn(() => ({ status: 'ready', genaiPrices }))
  return { book: new PriceBook('genai-prices', { genaiPackage }), asked: () => asked }
}

describe('a package that is not there', () => {
  it('is reported once, and every call is unpriced, own prices excepted', () => {
    const errors: unknown[] = []
    const error = new Error('Cannot find package')
    const own = { model: 'mine', inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 1 }
    const book = new PriceBook([own], {
      genaiPackage: packageIn(() => ({ status: 'missing', error })),
      onListMissing: (missing) => errors.push(missing),
    })
    expect(book.tableName).toBe('own prices, genai-prices')
    expect(book.price({ ...call, model: 'mine' })).toBe(1_000_000)
    expect(book.price(call)).toBeUndefined()
    expect(book.price({ ...call, model: 'gpt-4.1-mini' })).toBeUndefined()
    expect(errors).toEqual([error])
  })

  it('leaves calls unpriced while it loads, and prices the same model afterwards', () => {
    let state: GenaiPackageState = { status: 'loading' }
    const book = new PriceBook('genai-prices', { genaiPackage: packageIn(() => state) })
    expect(book.price(call)).toBeUndefined()
    state = { status: 'ready', genaiPrices: { calcPrice, findProvider } }
    expect(book.price(call)).toBe(1_250_000)
  })

  it('is not loaded before the first call that needs it', () => {
    let loads = 0
    const genaiPackage = packageIn(() => {
      loads++
      return { status: 'ready', genaiPrices: { calcPrice, findProvider } }
    })
    const own = { model: 'mine', inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 1 }
    const book = new PriceBook([own], { genaiPackage })
    expect(book.price({ ...call, provider: 'ollama' })).toBeUndefined()
    expect(book.price({ ...call, model: 'mine' })).toBe(1_000_000)
    expect(loads).toBe(0)
    expect(book.price(call)).toBe(1_250_000)
    expect(loads).toBe(1)
  })

  it('is named without a date where its version was published later than this one was tested', () => {
    const genaiPackage: GenaiPackage = { version: '99.0.0', load: () => ({ status: 'loading' }) }
    expect(new PriceBook('genai-prices', { genaiPackage }).tableName).toBe('genai-prices 99.0.0')
  })

  it('is loaded once, a moment after the first run begins, so that no call waits for it', () => {
    const clock = new FakeClock()
    let loads = 0
    const genaiPackage = packageIn(() => {
      loads++
      return { status: 'ready', genaiPrices: { calcPrice, findProvider } }
    })
    const book = new PriceBook('genai-prices', { genaiPackage, clock })
    book.loadSoon()
    book.loadSoon()
    expect(loads).toBe(0)
    clock.advance(1_000)
    expect(loads).toBe(1)
    book.loadSoon()
    clock.advance(1_000)
    expect(loads).toBe(1)
  })

  it('is not loaded ahead where it may never be asked', () => {
    const clock = new FakeClock()
    const genaiPackage = packageIn(() => {
      throw new Error('loaded')
    })
    for (const source of ['none', [() => 1, 'none'], () => 1] as const) {
      new PriceBook(source, { genaiPackage, clock }).loadSoon()
      clock.advance(1_000)
    }
  })
})

describe('looking a model up', () => {
  it('happens once per provider and model, for unknown models too', () => {
    let asked = 0
    const genaiPrices: GenaiPrices = {
      findProvider,
      calcPrice: (...parameters) => {
        asked++
        return calcPrice(...parameters)
      },
    }
    const genaiPackage = packageIn(() => ({ status: 'ready', genaiPrices }))
    const book = new PriceBook('genai-prices', { genaiPackage })
    for (let index = 0; index < 10; index++) {
      expect(book.price({ ...call, inputTokens: index })).toBe(index * 1_250)
      expect(book.price({ ...call, model: 'no-such-model' })).toBeUndefined()
    }
    expect(asked).toBe(2)
  })
})

describe('a list that this version cannot compile', () => {
  it('is left to the package, call by call', () => {
    // input_text_mtok is a unit of the package's that its data does not use, and that is not known here.
    const { book, asked } = relisted({ input_mtok: 2, output_mtok: 8, input_text_mtok: 2 })
    expect(book.price(call)).toBe(2_000_000)
    expect(book.price({ ...call, outputTokens: 10 })).toBe(2_080_000)
    expect(asked()).toBe(3)
  })

  it('is unpriced where the package throws on it, at the look-up or at the call', () => {
    expect(relisted({ input_mtok: 'dear' as never }).book.price(call)).toBeUndefined()
    const { book } = relisted([
      { prices: { input_mtok: 'dear' as never } },
      { constraint: { type: 'start_date', start_date: '2026-06-01' }, prices: { input_mtok: 2, output_mtok: 8 } },
    ])
    expect(book.price({ ...call, timeUnixMillis: Date.parse('2026-07-01') })).toBe(2_000_000)
    expect(book.price(call)).toBeUndefined()
  })

  it('tells nothing about tokens where it knows other units only', () => {
    expect(relisted({ input_mchars: 15 }).book.price(call)).toBeUndefined()
  })
})

describe('the rules of a list', () => {
  it('takes hours that run over midnight, in any zone', () => {
    const { book, asked } = relisted([
      { prices: { input_mtok: 1 } },
      {
        constraint: { type: 'time_of_date', start_time: '23:00:00+01:00', end_time: '04:00:00+01:00' },
        prices: { input_mtok: 2 },
      },
    ])
    const priceAt = (time: string): number | undefined =>
      book.price({ ...call, timeUnixMillis: Date.parse(`2026-03-01T${time}Z`) })
    expect(priceAt('21:59:59.999')).toBe(1_000_000)
    expect(priceAt('22:00:00')).toBe(2_000_000)
    expect(priceAt('00:00:00')).toBe(2_000_000)
    expect(priceAt('02:59:59.999')).toBe(2_000_000)
    expect(priceAt('03:00:00')).toBe(1_000_000)
    expect(asked()).toBe(1)
  })

  it('takes several tiers in any order, also where rates have different ones', () => {
    const { book } = relisted({
      input_mtok: {
        base: 1,
        tiers: [
          { start: 200, price: 3 },
          { start: 100, price: 2 },
        ],
      },
      output_mtok: { base: 10, tiers: [{ start: 150, price: 20 }] },
    })
    const priceOf = (inputTokens: number): number | undefined => book.price({ ...call, inputTokens, outputTokens: 1 })
    expect(priceOf(100)).toBe(100 * 1_000 + 10_000)
    expect(priceOf(101)).toBe(101 * 2_000 + 10_000)
    expect(priceOf(151)).toBe(151 * 2_000 + 20_000)
    expect(priceOf(201)).toBe(201 * 3_000 + 20_000)
  })

  it('takes the first price of a list where no condition holds', () => {
    const { book } = relisted([
      { constraint: { type: 'start_date', start_date: '2030-01-01' }, prices: { input_mtok: 7 } },
      { constraint: { type: 'start_date', start_date: '2031-01-01' }, prices: { input_mtok: 8 } },
    ])
    expect(book.price(call)).toBe(7_000_000)
  })
})
