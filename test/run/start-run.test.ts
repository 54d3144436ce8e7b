import { describe, expect, it } from 'vitest'

import { currentRunId, endRun, newRunId, startRun, withSpan, wrapAgent, type RunSummary } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

const status = 'runspan.run.status'
const reason = 'runspan.run.status_reason'

describe('a run that is ended by hand', () => {
  it('runs code inside it, keeps the shape of that code, and nests nothing else', async () => {
    await using spans = recordSpans()
    const run = startRun('import')
    expect(run.with(() => 7)).toBe(7)
    await run.with(async () => {
      await Promise.resolve()
      expect(currentRunId()).toBe(run.runId)
      withSpan('inside', () => {})
    })
    expect(() =>
      run.with(() => {
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(currentRunId()).toBeUndefined()
    run.end()
    expectTrace(spans.text({ status })).toBe(`
      invoke_agent import  status=completed
        inside
    `)
  })

  it('ends with what the outcome says: status, output, error, metadata, time', async () => {
    await using spans = recordSpans()
    const startedAt = Date.now()
    const done = startRun('done').end({ output: { rows: 3 }, metadata: { source: 'crm' } })
    const failed = startRun('failed').end({ error: new TypeError('no rows') })
    const forced = startRun('forced').end({ status: 'completed', error: new Error('known') })
    const cancelled = startRun('cancelled').end({ status: 'cancelled' })
    const timed = startRun('timed').end({ endTime: startedAt + 60_000 })
    expectTrace(
      spans.text({ status, type: 'error.type', output: 'runspan.output', source: 'runspan.metadata.source', reason }),
    ).toBe(`
      invoke_agent done       status=completed output={"rows":3} source=crm
      invoke_agent failed     status=failed type=TypeError ERROR
      invoke_agent forced     status=completed
      invoke_agent cancelled  status=cancelled
      invoke_agent timed      status=completed
    `)
    expect([done, failed, forced, cancelled, timed].map((summary) => summary.status)).toEqual([
      'completed',
      'failed',
      'completed',
      'cancelled',
      'completed',
    ])
    expect(failed.error).toBeInstanceOf(TypeError)
    expect(timed.durationMillis).toBeGreaterThan(59_000)
  })

  it('is ended by handle, id, dashed id or ref, from outside its context', async () => {
    await using spans = recordSpans()
    const runs = Array.from({ length: 4 }, () => startRun('import'))
    const uuid = runs[2]!.runId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    const targets = [runs[0]!, runs[1]!.runId, uuid, runs[3]!.ref]
    expect(targets.map((target) => endRun(target, { output: 'by endRun' }))).toEqual([true, true, true, true])
    expect(spans.all.map((span) => span.attributes['runspan.output'])).toEqual(Array(4).fill('"by endRun"'))
  })

  it('is not ended through something that names no open run: counted, and false', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    for (const odd of [newRunId(), 'ticket 7', undefined, null, {}, 7]) expect(endRun(odd as never)).toBe(false)
    expect(counts()).toEqual({ endsIgnored: 6 })
    expect(spans.all).toEqual([])
  })

  it('resolves ended once, for whoever asks before or after', async () => {
    await using spans = recordSpans()
    const seen: RunSummary[] = []
    const run = startRun('import', { onEnd: (summary) => seen.push(summary) })
    const before = run.ended
    const summary = run.end()
    run.end()
    expect(await before).toBe(summary)
    expect(await run.ended).toBe(summary)
    expect(seen).toEqual([summary])
    expect(summary).toMatchObject({ runId: run.runId, status: 'completed', totals: { spans: 1, complete: true } })
    expect(spans.all).toHaveLength(1)
  })
})

describe('using', () => {
  it('writes abandoned with the reason disposed, never completed, because it cannot see a throw', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const signals: AbortSignal[] = []
    expect(() => {
      using run = startRun('import')
      signals.push(run.signal)
      throw new Error('lost')
    }).toThrow('lost')
    expectTrace(spans.text({ status, reason, type: 'error.type' })).toBe(`
      invoke_agent import  status=abandoned reason=disposed type=abandoned ERROR
    `)
    expect(signals[0]!.aborted).toBe(true)
    expect(counts()).toMatchObject({ runsAbandoned: 1, runsEnded: 1 })
  })

  it('leaves a run alone that was ended or handed off', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    let ref
    {
      using ended = startRun('ended')
      using handedOff = startRun('handed off')
      ended.end()
      ref = handedOff.handOff()
    }
    expect(endRun(ref)).toBe(true)
    expectTrace(spans.text({ status })).toBe(`
      invoke_agent ended       status=completed
      invoke_agent handed off  status=completed
    `)
    expect(counts()).not.toHaveProperty('runsAbandoned')
  })
})

describe('a run that wrapAgent opened', () => {
  it('can be ended early by somebody else: that end stands, and the result arrives all the same', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const { result, ended } = await wrapAgent('planner', async (run) => {
      expect(endRun(run.runId, { status: 'cancelled' })).toBe(true)
      run.setOutput('too late').setAttribute('too', 'late').setMetadata({ too: 'late' }).event('too late')
      await Promise.resolve()
      return 'result'
    })
    expect(result).toBe('result')
    expect(await ended).toMatchObject({ status: 'cancelled' })
    expectTrace(spans.text({ status })).toBe('invoke_agent planner  status=cancelled')
    expect(
      Object.keys(spans.all[0]!.attributes).filter((key) => key.includes('too') || key.includes('output')),
    ).toEqual([])
    expect(counts()).not.toHaveProperty('endsIgnored')
  })
})
