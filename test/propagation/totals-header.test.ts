import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { newRunId } from '../../src/index.ts'
import { formatTotals, parseTotals } from '../../src/propagation/totals-header.ts'
import type { PartTotals } from '../../src/run/part-totals.ts'

const runId = newRunId()
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const spanId = fc.stringMatching(/^[0-9a-f]{16}$/).filter((id) => !/^0+$/.test(id))
const subtotal = fc.record({
  input: count,
  output: count,
  cacheRead: count,
  cacheWrite: count,
  reasoning: count,
  nanoUsd: count,
  reported: count,
  priced: count,
  unpriced: count,
  llmCalls: count,
  toolCalls: count,
  errors: count,
  spans: count,
})
const partTotals: fc.Arbitrary<PartTotals> = fc.record({
  segmentId: spanId,
  nestedIds: fc.uniqueArray(spanId, { maxLength: 32 }),
  state: fc.constantFrom('final' as const, 'partial' as const, 'local' as const),
  subtotal,
})

describe('the totals of a part as a header', () => {
  it('come back as they were, and take no more than 1 KiB', () => {
    fc.assert(
      fc.property(partTotals, (totals) => {
        const header = formatTotals(runId, totals)
        expect(header.length).toBeLessThanOrEqual(1024)
        expect(header).toMatch(/^[\x21-\x7e]+$/)
        expect(parseTotals(header, runId)).toEqual(totals)
      }),
    )
  })

  it('are partial where they hold more segments than there is room to name', () => {
    fc.assert(
      fc.property(partTotals, fc.uniqueArray(spanId, { minLength: 33, maxLength: 60 }), (totals, nestedIds) => {
        expect(parseTotals(formatTotals(runId, { ...totals, nestedIds }), runId)).toMatchObject({
          state: 'partial',
          nestedIds: [],
        })
      }),
    )
  })

  it('are nothing where they are about another run, malformed, or anything else', () => {
    const good = formatTotals(runId, fc.sample(partTotals, { numRuns: 1, seed: 3 })[0]!)
    expect(parseTotals(good, runId)).toBeDefined()
    expect(parseTotals(good, newRunId())).toBeUndefined()
    const bad = [
      good.replace('v1;', 'v2;'),
      good.replace(/;[fpl];/, ';x;'),
      good.replace(/;[fpl];/, ';toString;'),
      good.replace(/;[fpl];\d+/, ';f;-1'),
      good.replace(/;[fpl];\d+/, ';f;1.5'),
      good.replace(/;[fpl];\d+/, `;f;${Number.MAX_SAFE_INTEGER}0`),
      good.replace(/;[fpl];\d+,/, ';f;'),
      `${good},xyz`,
      good + 'x'.repeat(1024),
      `${good}, ${good}`,
    ]
    for (const header of bad) expect(parseTotals(header, runId), header).toBeUndefined()
    fc.assert(
      fc.property(fc.anything(), (header) => {
        expect(parseTotals(header, runId)).toBeUndefined()
      }),
    )
    fc.assert(fc.property(fc.string(), (tail) => void parseTotals(`v1;${runId};${tail}`, runId)))
  })
})
