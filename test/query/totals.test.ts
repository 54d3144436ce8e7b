import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { lateTotalsOf, noTotals, rollupOf, sumOf, type CostSource, type Totals } from '../../src/query/totals.ts'

const complete = { 'runspan.rollup.complete': true }

describe('rollupOf', () => {
  it('reads every number of a rollup', () => {
    expect(
      rollupOf({
        ...complete,
        'runspan.usage.input_tokens': 1,
        'runspan.usage.output_tokens': 2,
        'runspan.usage.cache_read.input_tokens': 3,
        'runspan.usage.cache_write.input_tokens': 4,
        'runspan.usage.reasoning.output_tokens': 5,
        'runspan.cost.usd': 0.000_000_006,
        'runspan.cost.nano_usd': 6,
        'runspan.cost.source': 'priced',
        'runspan.calls.llm': 7,
        'runspan.calls.unpriced': 8,
        'runspan.calls.tool': 9,
        'runspan.errors': 10,
        'runspan.spans': 11,
      }),
    ).toEqual({
      inputTokens: 1,
      outputTokens: 2,
      cacheReadInputTokens: 3,
      cacheWriteInputTokens: 4,
      reasoningOutputTokens: 5,
      costNanoUsd: 6n,
      costSource: 'priced',
      llmCalls: 7,
      unpricedCalls: 8,
      toolCalls: 9,
      errors: 10,
      spans: 11,
    })
  })

  it('takes an absent count for 0 and an absent cost for unpriced', () => {
    expect(rollupOf(complete)).toEqual(noTotals)
    expect(noTotals.costNanoUsd).toBeUndefined()
  })

  it('says where there is no rollup at all', () => {
    expect(rollupOf({ 'runspan.usage.input_tokens': 1 })).toBeUndefined()
  })

  it.each([
    ['a double', 3.0],
    ['an integer beyond 53 bits', 3n],
    ['text, as some backends answer', '3'],
  ])('takes a count that came as %s', (_, value) => {
    expect(rollupOf({ ...complete, 'runspan.calls.llm': value })?.llmCalls).toBe(3)
  })

  it('reads the cost from dollars where the exact number is missing', () => {
    expect(rollupOf({ ...complete, 'runspan.cost.usd': 1 })?.costNanoUsd).toBe(1_000_000_000n)
    expect(rollupOf({ ...complete, 'runspan.cost.usd': 0.1 + 0.2 })?.costNanoUsd).toBe(300_000_000n)
    expect(rollupOf({ ...complete, 'runspan.cost.usd': 5, 'runspan.cost.nano_usd': 7 })?.costNanoUsd).toBe(7n)
  })

  it('keeps a cost of 0 that somebody reported apart from no cost', () => {
    expect(rollupOf({ ...complete, 'runspan.cost.nano_usd': 0 })?.costNanoUsd).toBe(0n)
  })

  it('takes values that make no sense for absent', () => {
    const odd = { 'runspan.calls.llm': 'many', 'runspan.errors': [1], 'runspan.cost.source': 'a friend' }
    expect(rollupOf({ ...complete, ...odd })).toEqual(noTotals)
  })
})

describe('lateTotalsOf', () => {
  it('reads the numbers of an amendment, and no others', () => {
    const attributes = { 'runspan.late.usage.input_tokens': 1, 'runspan.usage.input_tokens': 100 }
    expect(lateTotalsOf(attributes)).toEqual({ ...noTotals, inputTokens: 1 })
  })
})

const count = fc.nat({ max: 1_000_000 })
const totals: fc.Arbitrary<Totals> = fc.record({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheWriteInputTokens: count,
  reasoningOutputTokens: count,
  costNanoUsd: fc.option(fc.bigInt({ min: 0n, max: 10n ** 18n }), { nil: undefined }),
  costSource: fc.constantFrom<CostSource | undefined>(undefined, 'reported', 'priced', 'mixed', 'unpriced'),
  llmCalls: count,
  unpricedCalls: count,
  toolCalls: count,
  errors: count,
  spans: count,
})

describe('sumOf', () => {
  it('gives the same sum in any order and any grouping', () => {
    fc.assert(
      fc.property(fc.array(totals, { maxLength: 6 }), fc.nat(6), (parts, cut) => {
        const sum = sumOf(parts)
        expect(sumOf(parts.toReversed())).toEqual(sum)
        expect(sumOf([sumOf(parts.slice(0, cut)), sumOf(parts.slice(cut))])).toEqual(sum)
      }),
    )
  })

  it('adds money exactly, beyond what a double holds', () => {
    const cent = { ...noTotals, costNanoUsd: 9_007_199_254_740_993n }
    expect(sumOf([cent, cent]).costNanoUsd).toBe(18_014_398_509_481_986n)
  })

  it('has no cost where no part has one, and the known part where some do', () => {
    const unpriced: Totals = { ...noTotals, llmCalls: 1, unpricedCalls: 1, costSource: 'unpriced' }
    const priced: Totals = { ...noTotals, llmCalls: 1, costNanoUsd: 5n, costSource: 'priced' }
    expect(sumOf([unpriced, unpriced])).toMatchObject({ costNanoUsd: undefined, costSource: 'unpriced' })
    expect(sumOf([unpriced, priced])).toMatchObject({ costNanoUsd: 5n, costSource: 'mixed', unpricedCalls: 1 })
    expect(sumOf([noTotals, priced])).toMatchObject({ costNanoUsd: 5n, costSource: 'priced' })
  })
})
