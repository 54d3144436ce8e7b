import { describe, expect, it } from 'vitest'

import { costDecimals, formatCost, formatCount, formatDuration } from '../../src/cli/format-numbers.ts'

describe('formatCount', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('writes %d as %s', (count, text) => expect(formatCount(count)).toBe(text))
})

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [0.04, '0 ms'],
    [0.42, '0.4 ms'],
    [9.96, '10 ms'],
    [120.4, '120 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [4_213, '4.21 s'],
    [9_999, '10.0 s'],
    [59_990, '60.0 s'],
    [59_999, '1m 00s'],
    [185_000, '3m 05s'],
    [3_599_999, '1h 00m'],
    [7_620_000, '2h 07m'],
  ])('writes %d milliseconds as %s', (millis, text) => expect(formatDuration(millis)).toBe(text))
})

describe('formatCost', () => {
  it.each([
    [0, 2, '$0.00'],
    [12_300_000, 4, '$0.0123'],
    [12_350_000, 4, '$0.0124'],
    [1_500_000_000, 2, '$1.50'],
    [999_999_999, 2, '$1.00'],
    [1_234_567_000_000_000, 2, '$1,234,567.00'],
    [1, 9, '$0.000000001'],
  ])('writes %d nano dollars with %d decimals as %s', (cost, decimals, text) => {
    expect(formatCost(BigInt(cost), decimals)).toBe(text)
  })

  it.each([
    [[], 2],
    [[0], 2],
    [[5_000_000_000], 2],
    [[5_000_000_000, 12_300_000], 3],
    [[400_000], 5],
    [[1], 9],
  ])('shows two digits of the smallest of %j, with %d decimals', (costs, decimals) => {
    expect(costDecimals(costs.map(BigInt))).toBe(decimals)
  })
})
