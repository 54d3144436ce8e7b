import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { extractRun, injectRun, joinRun } from '../../src/index.ts'

/** `npm run test:fuzz` asks for more. */
const numRuns = Number(process.env['RUNSPAN_FUZZ_CASES'] ?? 2000)

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)

/** A context that is right, or wrong in some place. */
const contextFields = fc
  .record({
    version: fc.oneof({ weight: 4, arbitrary: fc.constant('00') }, hex(2), oneOf('ff', '0', 'FF', '')),
    traceId: fc.oneof({ weight: 6, arbitrary: hex(32) }, fc.constant('0'.repeat(32)), hex(31), fc.string()),
    spanId: fc.oneof({ weight: 6, arbitrary: hex(16) }, fc.constant('0'.repeat(16)), hex(17), fc.string()),
    flags: fc.oneof({ weight: 6, arbitrary: hex(2) }, fc.string({ maxLength: 3 })),
    tail: fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.string(), fc.constant('-x')),
    own: fc.oneof({ weight: 5, arbitrary: fc.constant('same') }, oneOf('other', 'twice', 'upper', 'none')),
    others: fc.array(fc.oneof(fc.string(), fc.constant('dd=s:1'), fc.constant('ot=th:c')), { maxLength: 34 }),
    at: fc.nat(34),
  })
  .map(({ version, traceId, spanId, flags, tail, own, others, at }) => {
    const value = traceId.slice(16)
    const member = {
      same: `runspan=${value}`,
      other: 'runspan=0123456789abcdef',
      twice: `runspan=${value},runspan=${value}`,
      upper: `Runspan=${value}`,
      none: '',
    }[own]!
    const list = others.toSpliced(at, 0, member)
    return { traceparent: `${version}-${traceId}-${spanId}-${flags}${tail}`, tracestate: list.join(',') }
  })

const anyValue = fc.oneof(fc.string(), fc.anything(), fc.uint8Array({ maxLength: 80 }))
const name = oneOf('traceparent', 'tracestate', 'Traceparent', 'TRACESTATE', 'headers', 'getHeader', 'baggage')

/** Carriers of every shape, most of them with a context that is nearly right. */
const carriers = fc.oneof(
  contextFields,
  contextFields.map((fields) => new Map(Object.entries(fields))),
  contextFields.map((fields) => Object.entries(fields)),
  contextFields.map((fields) => ({ headers: fields })),
  contextFields.map(({ traceparent, tracestate }) => ({
    traceparent: Buffer.from(traceparent),
    tracestate: [Buffer.from(tracestate)],
  })),
  fc.tuple(contextFields, fc.dictionary(name, anyValue)).map(([fields, more]) => ({ ...fields, ...more })),
  fc.dictionary(name, anyValue),
  fc.array(fc.oneof(fc.tuple(name, anyValue), fc.anything())),
  fc.anything(),
)

/** The fields as text, read without a line of ours. */
const strict = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

describe(`extractRun, ${numRuns} times`, () => {
  it('never throws, and never names a run that the carrier does not', () => {
    let runs = 0
    fc.assert(
      fc.property(carriers, (carrier) => {
        const ref = extractRun(carrier as object)
        if (ref === undefined) return
        runs++
        expect(ref.runId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
        expect(ref.traceparent).toMatch(strict)
        expect(ref.traceparent.slice(3, 35)).toBe(ref.runId)
        expect(ref.tracestate.match(/runspan=/g)).toHaveLength(1)
        expect(ref.tracestate).toContain(`runspan=${ref.runId.slice(16)}`)
        expect(ref.tracestate.length).toBeLessThanOrEqual(512)
      }),
      { numRuns, seed: 7 },
    )
    // The control: enough of them are runs for the checks above to mean something.
    expect(runs).toBeGreaterThan(numRuns / 100)
  })

  it('agrees with a plain reading of the two headers about which of them are a run', () => {
    let runs = 0
    fc.assert(
      fc.property(contextFields, (fields) => {
        const ref = extractRun(fields)
        const traceparent = fields.traceparent.trim()
        const isVersion00 = traceparent.startsWith('00')
        const isValid = strict.test(traceparent) && (!isVersion00 || traceparent.length === 55)
        const marks = fields.tracestate.split(',').filter((member) => member.trim().startsWith('runspan='))
        const isMarked = marks.length === 1 && marks[0]!.trim() === `runspan=${traceparent.slice(19, 35)}`
        if (ref !== undefined) {
          runs++
          expect([isValid, isMarked]).toEqual([true, true])
        }
      }),
      { numRuns, seed: 8 },
    )
    expect(runs).toBeGreaterThan(numRuns / 100)
  })

  it('never throws where anything at all is written onto, or joined', () => {
    fc.assert(
      fc.property(carriers, (carrier) => {
        if (typeof carrier === 'object' && carrier !== null) expect(injectRun(carrier)).toBe(carrier)
        expect(joinRun(carrier as never, () => 'done')).toBe('done')
      }),
      { numRuns, seed: 9 },
    )
  })
})
