import { SpanStatusCode } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { configureRunspan, endRun, joinRun, startRun, withSpan, wrapAgent, type Run } from '../../src/index.ts'
import { shared } from '../../src/run/shared.ts'
import { countsFromNow } from '../support/counts.ts'
import { deferred } from '../support/deferred.ts'
import { useFakeClock } from '../support/fake-clock.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

const status = 'runspan.run.status'
const reason = 'runspan.run.status_reason'
const hour = 3_600_000

describe('a run that shows no sign of life', () => {
  it('is abandoned after a day by default, and its timer ends with the last run', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const run = startRun('import')
    clock.advance(23 * hour)
    expect(spans.all).toEqual([])
    clock.advance(2 * hour)
    expectTrace(spans.text({ status, reason })).toBe(`
      invoke_agent import  status=abandoned reason=no_activity ERROR
    `)
    expect(run.signal.aborted).toBe(true)
    clock.advance(hour)
    expect(clock.timers).toBe(0)
  })

  it('is abandoned after what its options or the settings say', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ abandonAfterMillis: 10_000 })
    startRun('by settings')
    startRun('by options', { abandonAfterMillis: 60_000 })
    clock.advance(20_000)
    expect(spans.all.map(({ name }) => name)).toEqual(['invoke_agent by settings'])
    clock.advance(60_000)
    expect(spans.all.map(({ name }) => name)).toEqual(['invoke_agent by settings', 'invoke_agent by options'])
  })

  it('is told through its signal, and its late end is ignored', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const counts = countsFromNow()
    const stuck = deferred<string>()
    const aborted: unknown[] = []
    const running = wrapAgent(
      'planner',
      (run) => {
        run.signal.addEventListener('abort', () => aborted.push(run.signal.reason))
        return stuck.promise
      },
      { abandonAfterMillis: 1000 },
    )
    clock.advance(3000)
    expect(aborted).toEqual([expect.objectContaining({ name: 'AbortError' })])
    stuck.resolve('at last')
    const { result, ended } = await running
    expect(result).toBe('at last')
    expect(await ended).toMatchObject({ status: 'abandoned' })
    expectTrace(spans.text({ status })).toBe('invoke_agent planner  status=abandoned ERROR')
    expect(counts()).toEqual({ runsStarted: 1, runsEnded: 1, runsAbandoned: 1 })
  })

  it.each(['with', 'without'])('lives as long as spans start or end in it, %s the rollup', async (rollup) => {
    using clock = useFakeClock()
    await using spans = recordSpans({ rollup: rollup === 'with' ? {} : 'none' })
    const run = startRun('import', { abandonAfterMillis: 1000 })
    for (let step = 0; step < 10; step++) {
      clock.advance(800)
      run.with(() => withSpan('step', () => {}))
    }
    expect(run.end().status).toBe('completed')
    expect(spans.all).toHaveLength(11)
  })

  it('lives as long as a part of it that was joined in the same process', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const run = startRun('import', { abandonAfterMillis: 1000 })
    for (let step = 0; step < 10; step++) {
      clock.advance(800)
      joinRun(run.ref, () => {}, { name: 'short' })
    }
    const gate = deferred()
    let part: Run | undefined
    const long = joinRun(run.ref, (span) => {
      part = span as Run
      return gate.promise
    })
    for (let step = 0; step < 10; step++) {
      clock.advance(800)
      part!.span('step', () => {})
    }
    gate.resolve()
    await long
    expect(run.end().status).toBe('completed')
    expect(spans.all.every((span) => span.status.code === SpanStatusCode.UNSET)).toBe(true)
  })

  it('takes a joined part of another process’s run with it to the same rule', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ abandonAfterMillis: 1000 })
    const run = startRun('import')
    const ref = run.ref
    run.end()
    const gate = deferred()
    const joined = joinRun(ref, () => gate.promise, { name: 'stuck' })
    clock.advance(3000)
    expectTrace(spans.tree(ref.runId, { end: 'runspan.end_reason', type: 'error.type' })).toBe(`
      invoke_agent import
        stuck  end=no_activity type=abandoned ERROR
    `)
    gate.resolve()
    await joined
  })
})

describe('shutdown', () => {
  it('ends everything that is open as abandoned, once, also where listeners then end other runs', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map((name) => startRun(name))
    first!.signal.addEventListener('abort', () => second!.end({ status: 'cancelled' }))
    third!.signal.addEventListener('abort', () => first!.end())
    await spans.provider.shutdown()
    await spans.provider.shutdown()
    const ends = await Promise.all([first, second, third, fourth].map((run) => run!.ended))
    expect(ends.map((end) => end.status)).toEqual(['abandoned', 'cancelled', 'abandoned', 'abandoned'])
    expect(fourth!.signal.aborted).toBe(true)
    expect(counts()).toMatchObject({ runsEnded: 4, runsAbandoned: 3, endsIgnored: 1 })
  })
})

describe('the bound on open runs', () => {
  it('forgets the oldest, counted; that goes on and ends as ever', async () => {
    await using spans = recordSpans({ rollup: { maxOpenRuns: 2 } })
    const counts = countsFromNow()
    try {
      const [first, second, third] = ['first', 'second', 'third'].map((name) => startRun(name))
      expect(counts()).toMatchObject({ openRunsEvicted: 1 })
      expect(endRun(first!.runId)).toBe(false)
      first!.with(() => withSpan('still here', () => {}))
      first!.end()
      expect([endRun(second!.runId), endRun(third!.runId)]).toEqual([true, true])
      expectTrace(spans.tree(first!.runId, { status, spans: 'runspan.spans' })).toBe(`
        invoke_agent first  status=completed spans=2
          still here
      `)
    } finally {
      shared().maxOpenRuns = 10_000
    }
  })
})
