import { context, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import {
  currentRun,
  currentRunId,
  currentSpan,
  joinRun,
  newRunId,
  startRun,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

describe('currentRun', () => {
  it('is the innermost run, through awaits and spans, and nothing outside', async () => {
    await using spans = recordSpans()
    expect([currentRun(), currentRunId()]).toEqual([undefined, undefined])
    const { runId, result } = await wrapAgent('outer', async (outer) => {
      expect(currentRun()).toBe(outer)
      const inner = await wrapAgent('inner', async (run) => {
        await Promise.resolve()
        return [withSpan('step', () => currentRun()) === run, currentRunId() === run.runId]
      })
      return [...inner.result, currentRun() === outer]
    })
    expect(result).toEqual([true, true, true])
    expect(currentRunId()).toBeUndefined()
    expect(spans.root(runId).name).toBe('invoke_agent outer')
  })

  it('in joined code is the joined part: its own attributes, totals and end, never the remote root’s', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    joinRun(
      run.runId,
      () => {
        const joined = currentRun()!
        expect(joined).toMatchObject({ runId: run.runId, joined: true, recorded: true })
        expect(joined).not.toBe(run)
        joined.setAttribute('mine', 1).setMetadata({ part: 'b' }).setStatus('failed', 'no rows')
      },
      { name: 'part' },
    )
    expect(run.joined).toBe(false)
    run.end()
    expectTrace(
      spans.tree(run.runId, {
        mine: 'mine',
        part: 'runspan.metadata.part',
        status: 'runspan.run.status',
        says: (span) => span.status.message,
      }),
    ).toBe(`
      invoke_agent planner  status=completed
        part                mine=1 part=b says=no rows ERROR
    `)
  })
})

describe('currentSpan', () => {
  it('is the handle of the active span, ours or not', async () => {
    await using spans = recordSpans()
    await wrapAgent('planner', (run) => {
      expect(currentSpan()).toBe(run)
      withSpan('step', (span) => {
        expect(currentSpan()).toBe(span)
        currentSpan().setAttribute('set', 'by whoever')
      })
      const foreign = trace.getTracer('other').startSpan('foreign')
      context.with(trace.setSpan(context.active(), foreign), () => {
        expect(currentSpan().spanId).toBe(foreign.spanContext().spanId)
        currentSpan().setAttribute('set', 'by us').setError(new TypeError('odd')).event('noticed')
        expect(currentSpan().spanId).toBe(foreign.spanContext().spanId)
      })
      foreign.end()
    })
    expectTrace(
      spans.text({ set: 'set', events: (span) => span.events.map(({ name }) => name).join(',') || undefined }),
    ).toBe(`
      invoke_agent planner
        step                set=by whoever
        foreign             set=by us events=exception,noticed ERROR
    `)
  })

  it('takes everything and records nothing where nothing is active', async () => {
    await using spans = recordSpans()
    const nothing = currentSpan()
    expect(nothing.spanId).toBe('0'.repeat(16))
    const chained = nothing.setInput(1).setOutput(1).setAttribute('a', 1).setUsage({}).setError(1).event('a')
    expect(chained).toBe(nothing)
    expect(joinRun(undefined, (span) => span)).toBe(nothing)
    expect(spans.all).toEqual([])
  })
})

describe('joinRun', () => {
  it('keeps the shape of what it runs, and ends where that ends', async () => {
    await using spans = recordSpans()
    const runId = newRunId()
    expect(joinRun(runId, () => 7)).toBe(7)
    const promise = joinRun(runId, async () => {
      await Promise.resolve()
      return 'later'
    })
    expect(spans.all).toHaveLength(1)
    expect(await promise).toBe('later')
    expect(spans.all).toHaveLength(2)
    const generator = joinRun(runId, function* () {
      yield currentRunId()
    })
    expect([...generator]).toEqual([runId])
    expect(spans.all).toHaveLength(3)
  })

  it('names its part by its options, the agent of the ref, or join; takes type, input and attributes', async () => {
    await using spans = recordSpans()
    const { result: ref } = await wrapAgent('planner', (run) => run.ref)
    joinRun(ref, () => {}, { name: 'load rows', type: 'tool', input: { table: 'orders' }, attributes: { shard: 1 } })
    joinRun(ref, () => {})
    joinRun(ref.runId, () => {})
    joinRun(ref, null, () => {}, { name: 'with a null parent' })
    joinRun(ref, 'no span id', () => {}, { name: 'with a malformed parent' })
    joinRun(ref, 7 as never, () => {}, { name: 'with no text for a parent' })
    joinRun(ref, '00F067AA0BA902B7', () => {}, { name: 'below another span' })
    expectTrace(
      spans.tree(ref.runId, {
        op: 'gen_ai.operation.name',
        args: 'gen_ai.tool.call.arguments',
        in: 'runspan.input',
        shard: 'shard',
      }),
    ).toBe(`
      invoke_agent planner           op=invoke_agent
        execute_tool load rows       op=execute_tool args={"table":"orders"} shard=1
        invoke_agent planner
        join
        with a null parent
        with a malformed parent
        with no text for a parent
      (missing)
        below another span
    `)
    expect(spans.span('below another span').parentSpanContext?.spanId).toBe('00f067aa0ba902b7')
  })
})
