import { diag, DiagLogLevel } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { extractRun, joinRun, currentRunId, propagationHeaders } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { useFakeClock } from '../support/fake-clock.ts'
import { recordSpans } from '../support/record-spans.ts'

const runId = 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb'
const spanId = '00f067aa0ba902b7'
const valid = `00-${runId}-${spanId}-01`
const run = `runspan=${runId.slice(16)}`

/** What W3C Trace Context says of `traceparent` (§3.2), each with whether a run comes of it. */
const traceparents: readonly (readonly [string, string, boolean])[] = [
  ['version 00', valid, true],
  ['not sampled', `00-${runId}-${spanId}-00`, true],
  ['unknown flags', `00-${runId}-${spanId}-ff`, true],
  ['a later version', `cc-${runId}-${spanId}-01`, true],
  ['a later version that appends', `cc-${runId}-${spanId}-01-what-the-future-brings`, true],
  ['a later version with a tail that is not set off', `cc-${runId}-${spanId}-01.what`, false],
  ['version 00 that appends', `${valid}-what`, false],
  ['version 00 with a trailing dash', `${valid}-`, false],
  ['version ff', `ff-${runId}-${spanId}-01`, false],
  ['a version in upper case', `CC-${runId}-${spanId}-01`, false],
  ['a version of one digit', `0-${runId}-${spanId}-01`, false],
  ['a version of three digits', `000-${runId}-${spanId}-01`, false],
  ['an illegal version', `.0-${runId}-${spanId}-01`, false],
  ['a trace id of zeroes', `00-${'0'.repeat(32)}-${spanId}-01`, false],
  ['a trace id in upper case', `00-${runId.toUpperCase()}-${spanId}-01`, false],
  ['a trace id that is too long', `00-${runId}a-${spanId}-01`, false],
  ['a trace id that is too short', `00-${runId.slice(1)}-${spanId}-01`, false],
  ['an illegal trace id', `00-.${runId.slice(1)}-${spanId}-01`, false],
  ['a span id of zeroes', `00-${runId}-${'0'.repeat(16)}-01`, false],
  ['a span id in upper case', `00-${runId}-${spanId.toUpperCase()}-01`, false],
  ['a span id that is too long', `00-${runId}-${spanId}0-01`, false],
  ['a span id that is too short', `00-${runId}-${spanId.slice(1)}-01`, false],
  ['flags of one digit', `00-${runId}-${spanId}-1`, false],
  ['flags of three digits', `00-${runId}-${spanId}-001`, false],
  ['illegal flags', `00-${runId}-${spanId}-.0`, false],
  ['whitespace around', ` ${valid}\t`, true],
  ['whitespace inside', `00- ${runId}-${spanId}-01`, false],
  ['two headers', `${valid},${valid}`, false],
  ['two headers of a later version', `cc-${runId}-${spanId}-01-a,cc-${'c'.repeat(32)}-${spanId}-01`, false],
  ['an oversized header', `cc-${runId}-${spanId}-01-${'x'.repeat(10_000)}`, false],
  ['nothing', '', false],
]

/** What W3C Trace Context says of `tracestate` (§3.3). */
const tracestates: readonly (readonly [string, string | readonly string[], boolean])[] = [
  ['the run alone', run, true],
  ['the run among others', `foo=1,${run},bar=2`, true],
  ['whitespace and empty members', `foo=1 \t , ,\t${run},`, true],
  ['several headers', ['foo=1', run], true],
  ['multi-tenant keys', `t61rcwkgmze@vendor=1,0t@v=1,${run}`, true],
  ['a key of 256 characters', `${'z'.repeat(256)}=1,${run}`, true],
  ['32 members', `${members(31)},${run}`, true],
  ['512 characters', `a=${'x'.repeat(200)},b=${'y'.repeat(200)},c=${'z'.repeat(79)},${run}`, true],
  ['33 members', `${members(32)},${run}`, false],
  ['513 characters', `a=${'x'.repeat(200)},b=${'y'.repeat(200)},c=${'z'.repeat(80)},${run}`, false],
  ['a key of 257 characters', `${'z'.repeat(257)}=1,${run}`, false],
  ['a key in upper case', `Foo=1,${run}`, false],
  ['an illegal key', `foo@=1,${run}`, false],
  ['a key with whitespace', `foo =1,${run}`, false],
  ['no value', `foo=,${run}`, false],
  ['no key', `=1,${run}`, false],
  ['a value with =', `foo=bar=baz,${run}`, false],
  ['a value that is not ASCII', `foo=bär,${run}`, false],
  ['a key that comes twice', `foo=1,foo=2,${run}`, false],
  ['the run twice', `${run},${run}`, false],
  ['another run first', `runspan=${'c'.repeat(16)},${run}`, false],
  ['another run', `runspan=${'c'.repeat(16)}`, false],
  ['the run in upper case', run.replace('b', 'B'), false],
  ['a run and more', `${run}0`, false],
  ['the run as the value of another', `foo=${run}`, false],
  ['a key that ends like ours', `not${run}`, false],
  ['nothing', '', false],
]

function members(count: number): string {
  return Array.from({ length: count }, (_item, at) => `k${at}=1`).join(',')
}

describe('traceparent', () => {
  it.each(traceparents)('with %s', (_name, traceparent, isRun) => {
    const counts = countsFromNow()
    expect(extractRun({ traceparent, tracestate: run })?.runId).toBe(isRun ? runId : undefined)
    expect(counts()).toEqual(isRun ? {} : { carriersMalformed: 1 })
  })

  it('goes on as version 00, with the flags that are known', () => {
    const traceparent = `cc-${runId}-${spanId}-ff-more`
    expect(extractRun({ traceparent, tracestate: run })?.traceparent).toBe(`00-${runId}-${spanId}-03`)
  })

  it('is no run when it comes twice, in whatever way', () => {
    const twice = [
      { traceparent: [valid, valid], tracestate: run },
      { traceparent: valid, Traceparent: valid, tracestate: run },
      [
        ['traceparent', valid],
        ['traceparent', valid],
        ['tracestate', run],
      ],
      new Map([
        ['traceparent', valid],
        ['TRACEPARENT', valid],
        ['tracestate', run],
      ]),
      new Headers([
        ['traceparent', valid],
        ['traceparent', valid],
        ['tracestate', run],
      ]),
    ]
    for (const carrier of twice) expect(extractRun(carrier)).toBeUndefined()
  })
})

const ignore = (): void => {}

describe('tracestate', () => {
  it.each(tracestates)('with %s', (_name, tracestate, isRun) => {
    expect(extractRun({ traceparent: valid, tracestate })?.runId).toBe(isRun ? runId : undefined)
  })

  it('counts a list that names a run and is malformed, and is silent about other people’s', () => {
    const counts = countsFromNow()
    extractRun({ traceparent: valid, tracestate: 'foo=,bar' })
    expect(counts()).toEqual({})
    extractRun({ traceparent: valid, tracestate: `foo=,${run}` })
    expect(counts()).toEqual({ carriersMalformed: 1 })
  })

  it('says so once in a minute, however many come', () => {
    using clock = useFakeClock()
    const said: string[] = []
    const logger = {
      error: ignore,
      warn: (text: string) => void said.push(text),
      info: ignore,
      debug: ignore,
      verbose: ignore,
    }
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
    try {
      const counts = countsFromNow()
      const come = (): void => {
        for (let at = 0; at < 1000; at++) extractRun({ traceparent: valid, tracestate: `foo=,${run}` })
      }
      // Past what other tests have said by the true time.
      clock.advance(Date.now() + 3_600_000 - clock.nowUnixMillis())
      come()
      expect(said).toHaveLength(1)
      expect(said[0]).toContain('tracestate')
      clock.advance(60_001)
      come()
      expect(said).toHaveLength(2)
      expect(counts()).toEqual({ carriersMalformed: 2000 })
    } finally {
      diag.disable()
    }
  })

  it('passes other members on in their order, behind a joined part too', async () => {
    await using _ = recordSpans()
    const tracestate = `dd=s:1;p:7,${run},ot=th:c`
    const onward = joinRun(extractRun({ traceparent: valid, tracestate }), () => {
      expect(currentRunId()).toBe(runId)
      return propagationHeaders()
    })
    expect(onward['tracestate']).toBe(tracestate)
  })
})
