/** Billionths of a US dollar are whole numbers, so that sums of them are what a bill adds up to. */
import type { Attributes } from '@opentelemetry/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { CallSums, addNumbers, type CallNumbers } from '../../src/rollup/call-sums.ts'
import { CostSums } from '../../src/rollup/cost-sums.ts'
import { writeDetail } from '../../src/rollup/detail.ts'
import { PriceBook, type PricedCall } from '../../src/rollup/prices.ts'
import { UnpricedModels, unpricedName } from '../../src/rollup/unpriced-models.ts'

const listedModels = [
  ['openai', 'gpt-5'],
  ['openai', 'gpt-4.1-nano'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-opus-5-5'],
  ['google', 'gemini-2.5-flash-lite'],
  ['google', 'gemini-2.5-pro'],
  ['deepseek', 'deepseek-chat'],
] as const

const nothing: CallNumbers = {
  llmCalls: 1,
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  nanoUsd: 0,
  reported: 0,
  priced: 1,
  unpriced: 0,
}

/** Numbers from 0 up to 1, the same for one seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function randomCall(next: () => number): PricedCall {
  const [provider, model] = listedModels[Math.floor(next() * listedModels.length)]!
  const inputTokens = Math.floor(next() ** 4 * 1_000_000)
  const cacheReadInputTokens = Math.floor(next() * inputTokens)
  const outputTokens = Math.floor(next() * 30_000)
  return {
    provider,
    model,
    timeUnixMillis: 1_780_000_000_000 + Math.floor(next() * 1e9),
    inputTokens,
    outputTokens,
    cacheReadInputTokens,
    cacheWriteInputTokens: Math.floor(next() * (inputTokens - cacheReadInputTokens)),
    reasoningOutputTokens: Math.floor(next() * outputTokens),
  }
}

describe('the cost of many calls', () => {
  it('sums exactly over a million random calls, in any grouping', { timeout: 60_000 }, () => {
    const book = new PriceBook()
    const random = randomNumbers(20_261_121)
    const all = new CallSums()
    const runs = Array.from({ length: 1_000 }, () => new CallSums())
    let exact = 0n
    let dollars = 0
    let allAreWhole = true
    for (let index = 0; index < 1_000_000; index++) {
      const nanoUsd = book.price(randomCall(random)) ?? Number.NaN
      allAreWhole &&= Number.isInteger(nanoUsd)
      exact += BigInt(nanoUsd)
      dollars += nanoUsd / 1e9
      const call = { ...nothing, nanoUsd }
      addNumbers(all, call, 1)
      addNumbers(runs[index % runs.length]!, call, 1)
    }
    expect(allAreWhole).toBe(true)
    expect(BigInt(all.nanoUsd)).toBe(exact)
    const family = new CallSums()
    for (const run of runs.toReversed()) addNumbers(family, run, 1)
    expect(BigInt(family.nanoUsd)).toBe(exact)
    // Dollars in doubles come to another number.
    expect(BigInt(Math.round(dollars * 1e9))).not.toBe(exact)
  })

  it('sums exactly up to nine million dollars, and from there to twice that is off by a billionth per call at most', () => {
    const sums = new CallSums()
    const most = Number.MAX_SAFE_INTEGER
    addNumbers(sums, { ...nothing, nanoUsd: most - 5 }, 1)
    for (let index = 0; index < 5; index++) addNumbers(sums, { ...nothing, nanoUsd: 1 }, 1)
    expect(BigInt(sums.nanoUsd)).toBe(BigInt(most))
    expect(most / 1e9).toBeGreaterThan(9_000_000)
    // From here on only even numbers can be told.
    let exact = BigInt(most)
    const calls = 1_000
    for (let index = 0; index < calls; index++) {
      const nanoUsd = 2 * index + 1
      addNumbers(sums, { ...nothing, nanoUsd }, 1)
      exact += BigInt(nanoUsd)
    }
    const off = BigInt(sums.nanoUsd) - exact
    expect(off).not.toBe(0n)
    expect(off < 0n ? -off : off).toBeLessThanOrEqual(BigInt(calls))
  })
})

function written(sums: CostSums): Attributes {
  const attributes: Attributes = {}
  writeDetail(attributes, { costs: sums.entries().map(([bucket, nanoUsd]) => ({ bucket, nanoUsd: BigInt(nanoUsd) })) })
  return attributes
}

describe('what calls were charged for', () => {
  const book = new PriceBook()

  it('sums exactly to what they cost, and can be taken out again', () => {
    const random = randomNumbers(7)
    const sums = new CostSums()
    const others = new CostSums()
    let total = 0
    for (let index = 0; index < 2_000; index++) {
      const { nanoUsd, buckets } = book.costBreakdown(randomCall(random))!
      total += nanoUsd
      ;(index % 2 === 0 ? sums : others).add(buckets, 1)
    }
    sums.addAll(others, 1)
    const attributes = written(sums)
    expect(Object.keys(attributes).toSorted()).toEqual([
      'runspan.cost.cache_read.nano_usd',
      'runspan.cost.cache_write.nano_usd',
      'runspan.cost.input.nano_usd',
      'runspan.cost.output.nano_usd',
      'runspan.cost.reasoning.nano_usd',
    ])
    expect(Object.values(attributes).reduce((sum: number, value) => sum + Number(value), 0)).toBe(total)
    others.addAll(others, -1)
    expect(written(others)).toEqual({})
  })
})

describe('the models that nobody could price', () => {
  it('are named once each, sorted, with their tier, while any call of them counts', () => {
    const models = new UnpricedModels()
    models.add(unpricedName('zeta', undefined), 1)
    models.add(unpricedName('zeta', undefined), 1)
    models.add(unpricedName('gpt-5', 'priority'), 1)
    expect(models.names()).toEqual(['gpt-5 (priority)', 'zeta'])
    models.add('zeta', -1)
    expect(models.names()).toContain('zeta')
    models.add('zeta', -1)
    expect(models.names()).toEqual(['gpt-5 (priority)'])
  })

  it('are eight at most, however many there are, and names of any length are bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 300 }), { maxLength: 40 }), (names) => {
        const models = new UnpricedModels()
        for (const name of names) models.add(name, 1)
        const kept = models.names()
        expect(kept.length).toBeLessThanOrEqual(8)
        expect(kept.every((name) => name.length <= 128)).toBe(true)
        const distinct = new Set(names.map((name) => name.slice(0, 128)))
        if (distinct.size <= 7 && !distinct.has('_OTHER')) expect(kept).toEqual([...distinct].toSorted())
        for (const name of names) models.add(name, -1)
        expect(models.names()).toEqual([])
      }),
    )
  })

  it('are those of all parts where parts are put together', () => {
    const first = new UnpricedModels()
    const second = new UnpricedModels()
    first.add('a', 1)
    second.add('b', 1)
    first.addAll(second, 1)
    expect(first.names()).toEqual(['a', 'b'])
    first.addAll(second, -1)
    expect(first.names()).toEqual(['a'])
  })
})
