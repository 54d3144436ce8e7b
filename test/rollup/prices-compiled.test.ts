/** Compiled prices against the package's own `calcPrice`, over all of its data. */
import { calcPrice, waitForUpdate, type ModelPrice, type Provider } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { PriceBook, type PricedCall } from '../../src/rollup/prices.ts'

interface Name {
  readonly provider: string
  readonly model: string
}

const book = new PriceBook()
const names: Name[] = []
const thresholds = new Set<number>([1])
const timesUnixMillis = new Set<number>([Date.parse('2025-01-01T12:00:00Z'), Date.parse('2026-11-20T02:00:00Z')])

beforeAll(async () => {
  for (const provider of (await waitForUpdate()) ?? []) collect(provider)
  expect(names.length).toBeGreaterThan(1_900)
})

/** Every model's id and every name that it matches, and every boundary in its prices. */
function collect(provider: Provider): void {
  const models = new Set<string>()
  for (const model of provider.models) {
    models.add(model.id)
    JSON.stringify(model.match, (key, value: unknown) => {
      if (typeof value === 'string' && key !== 'regex') models.add(value)
      return value
    })
    for (const { constraint, prices } of Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]) {
      if (constraint?.type === 'start_date') timesUnixMillis.add(Date.parse(constraint.start_date))
      if (constraint?.type === 'time_of_date') {
        timesUnixMillis.add(Date.parse(`2026-11-20T${constraint.start_time}`))
        timesUnixMillis.add(Date.parse(`2026-11-20T${constraint.end_time}`))
      }
      for (const price of Object.values(prices)) {
        if (typeof price === 'object') for (const { start } of price.tiers) thresholds.add(start)
      }
    }
  }
  for (const model of models) names.push({ provider: provider.id, model })
}

const timeArbitrary = fc.oneof(
  fc.constantFrom(-1, 0, 1).chain((off) => fc.constantFrom(...timesUnixMillis).map((time) => time + off)),
  fc.integer({ min: Date.parse('2024-01-01'), max: Date.parse('2028-01-01') }),
)

const usageArbitrary = fc
  .record({
    inputTokens: fc.oneof(
      fc.nat(5_000),
      fc.nat(2_000_000),
      fc.constantFrom(-1, 0, 1).chain((off) => fc.constantFrom(...thresholds).map((start) => start + off)),
    ),
    outputTokens: fc.oneof(fc.constant(0), fc.nat(100_000)),
    readShare: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    writeShare: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    reasoningShare: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ inputTokens, outputTokens, readShare, writeShare, reasoningShare }) => {
    const cacheReadInputTokens = Math.floor(inputTokens * readShare)
    return {
      inputTokens,
      outputTokens,
      cacheReadInputTokens,
      cacheWriteInputTokens: Math.floor((inputTokens - cacheReadInputTokens) * writeShare),
      reasoningOutputTokens: Math.floor(outputTokens * reasoningShare),
    }
  })

/** In nano-USD, not rounded. */
function calculated(call: PricedCall): number | undefined {
  const usage = {
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
    cache_read_tokens: call.cacheReadInputTokens,
    cache_write_tokens: call.cacheWriteInputTokens,
    output_reasoning_tokens: call.reasoningOutputTokens,
  }
  const timestamp = new Date(call.timeUnixMillis)
  const answer = calcPrice(usage, call.model, { providerId: call.provider ?? '', timestamp })
  return answer === null || isBilledOtherwise(answer.model_price) ? undefined : answer.total_price * 1e9
}

/** By the hour, page or message alone: the package says 0 for any number of tokens. */
function isBilledOtherwise(prices: ModelPrice): boolean {
  const keys = Object.keys(prices)
  return keys.length > 0 && !keys.some((key) => key === 'input_mtok' || key === 'output_mtok')
}

function expectEqual(call: PricedCall): void {
  const expected = calculated(call)
  const actual = book.price(call)
  const isEqual =
    expected === undefined || actual === undefined ? actual === expected : Math.abs(actual - expected) < 0.51
  // Not expect(…) each time: its message would take longer than both prices.
  if (!isEqual) expect.fail(`${JSON.stringify(call)} costs ${actual}, and ${expected} by calcPrice`)
}

describe('a compiled price', () => {
  it('equals calcPrice for every name in the data', () => {
    let priced = 0
    const everyDetail = {
      inputTokens: 90_000,
      outputTokens: 7_000,
      cacheReadInputTokens: 50_000,
      cacheWriteInputTokens: 30_000,
      reasoningOutputTokens: 4_000,
    }
    const usages = [everyDetail, ...fc.sample(usageArbitrary, 3)]
    const times = fc.sample(timeArbitrary, usages.length)
    for (const name of names) {
      for (const [index, usage] of usages.entries()) {
        const call = { ...name, timeUnixMillis: times[index] ?? 0, ...usage }
        expectEqual(call)
        if (book.price(call) !== undefined) priced++
      }
    }
    // A control: nearly all of them have prices.
    expect(priced / (names.length * usages.length)).toBeGreaterThan(0.9)
  })

  it('equals calcPrice for any usage at any time', () => {
    fc.assert(
      fc.property(fc.nat(), timeArbitrary, usageArbitrary, (index, timeUnixMillis, usage) => {
        const name = names[index % names.length]
        if (name !== undefined) expectEqual({ ...name, timeUnixMillis, ...usage })
      }),
      { numRuns: 5_000 },
    )
  })

  it('equals calcPrice on both sides of every threshold and every change of price', () => {
    for (const name of names) {
      const found = calcPrice({}, name.model, { providerId: name.provider })
      const prices = found?.model.prices
      if (prices === undefined || (!Array.isArray(prices) && !JSON.stringify(prices).includes('tiers'))) continue
      for (const start of thresholds) {
        for (const time of timesUnixMillis) {
          for (const off of [0, 1]) {
            expectEqual({
              ...name,
              timeUnixMillis: time - off,
              inputTokens: start + off,
              outputTokens: 1_000,
              cacheReadInputTokens: Math.floor(start / 3),
              cacheWriteInputTokens: Math.floor(start / 5),
              reasoningOutputTokens: 500,
            })
          }
        }
      }
    }
  })
})
