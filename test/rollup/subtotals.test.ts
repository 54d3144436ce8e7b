import { SpanKind, context, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { joinRun, startRun, stats, withSpan, wrapAgent } from '../../src/index.ts'
import { chat, emitSpans, operation, startForeign, usage } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

const shown = {
  scope: 'runspan.rollup.scope',
  in: 'runspan.usage.input_tokens',
  calls: 'runspan.calls.llm',
  tools: 'runspan.calls.tool',
  errors: 'runspan.errors',
  spans: 'runspan.spans',
  complete: 'runspan.rollup.complete',
  open: 'runspan.rollup.open_spans',
}

describe('a specialist inside a run', () => {
  it('has a subtotal of its own, which is part of the run’s', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () => {
      emitSpans([chat(100)])
      withSpan('critic', () => emitSpans([chat(30), operation('execute_tool', { failed: true })]), { type: 'agent' })
    })
    expectTrace(spans.tree(runId, shown)).toBe(`
      invoke_agent planner    scope=run in=130 calls=2 tools=1 errors=1 spans=5 complete=true
        chat
        invoke_agent critic   scope=agent in=30 calls=1 tools=1 errors=1 spans=3 complete=true
          chat
          execute_tool        ERROR
    `)
  })

  it('may be a foreign invoke_agent span, and may hold others', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const inner = operation('invoke_agent', { attributes: usage(30), below: [chat(30)] })
    const { runId } = await wrapAgent('planner', () =>
      emitSpans([{ ...operation('invoke_agent', { attributes: usage(50), below: [chat(20), inner] }), name: 'outer' }]),
    )
    expectTrace(spans.tree(runId, shown)).toBe(`
      invoke_agent planner  scope=run in=50 calls=2 spans=5 complete=true
        outer               scope=agent in=50 calls=2 spans=4 complete=true
          chat
          invoke_agent      scope=agent in=30 calls=1 spans=2 complete=true
            chat
    `)
  })

  it('is not a call to a remote agent', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    await wrapAgent('planner', () =>
      emitSpans([operation('invoke_agent', { kind: SpanKind.CLIENT, below: [chat(1)] })]),
    )
    expect(spans.attributes('invoke_agent')).not.toHaveProperty(['runspan.rollup.scope'])
  })

  it('says what was still open when it ended; what comes then is the run’s all the same', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () => {
      const late = withSpan('critic', () => startForeign(chat(30)), { type: 'agent' })
      late.end()
    })
    expectTrace(spans.tree(runId, shown)).toBe(`
      invoke_agent planner   scope=run in=30 calls=1 spans=3 complete=true
        invoke_agent critic  scope=agent spans=1 complete=false open=1
          chat
    `)
  })

  it('outside a run is an ordinary span without a rollup', async () => {
    await using spans = recordSpans()
    withSpan('critic', () => emitSpans([chat(30)]), { type: 'agent' })
    expect(spans.all).toHaveLength(2)
    expect(spans.attributes('invoke_agent critic')).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'critic',
    })
  })
})

describe('a segment', () => {
  const local = { ...shown, local: 'runspan.segment.local' }

  it('of a run that is open in this process counts in both, and says so', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', (run) => {
      joinRun(run.ref, () => emitSpans([chat(30)]), { name: 'part' })
      emitSpans([chat(100)])
    })
    // Whoever takes the ref may work elsewhere too, so the run cannot be sure to be complete.
    expectTrace(spans.tree(runId, local)).toBe(`
      invoke_agent planner  scope=run in=130 calls=2 spans=4 complete=false
        part                scope=segment in=30 calls=1 spans=2 complete=true local=true
          chat
        chat
    `)
  })

  it('of a run that is open here hangs below its root: what that reports of itself does not count as well', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', (run) => {
      joinRun(run.runId, () => emitSpans([chat(30)]), { name: 'part' })
      run.setUsage({ inputTokens: 500 })
    })
    expect(spans.root(runId).attributes).toMatchObject({ 'runspan.usage.input_tokens': 30, 'runspan.calls.llm': 1 })
  })

  it('of a run that is owned elsewhere stands alone, also beside another of the same run', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const elsewhere = startRun('planner')
    const { ref } = elsewhere
    elsewhere.handOff()
    joinRun(
      ref,
      () => {
        emitSpans([chat(1)])
        joinRun(ref, () => emitSpans([chat(30)]), { name: 'second' })
      },
      { name: 'first' },
    )
    expect(spans.attributes('first')).toMatchObject({ 'runspan.usage.input_tokens': 1, 'runspan.spans': 2 })
    expect(spans.attributes('second')).toMatchObject({ 'runspan.usage.input_tokens': 30, 'runspan.spans': 2 })
  })

  it('does not take in what another request of the same trace does beside it', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const elsewhere = startRun('planner')
    const { ref } = elsewhere
    elsewhere.handOff()
    const [, traceId, spanId] = ref.traceparent.split('-')
    const remote = { traceId: traceId!, spanId: spanId!, traceFlags: 1, isRemote: true }
    joinRun(ref, () => emitSpans([chat(7)], trace.setSpanContext(context.active(), remote)), {
      name: 'own code',
    })
    const open = joinRun(ref, () => Promise.resolve(), { name: 'first' })
    const outside = trace.setSpanContext(context.active(), remote)
    emitSpans([{ name: 'GET /other', kind: SpanKind.SERVER, below: [chat(30)] }], outside)
    await open
    // Whose context names a segment belongs to it, even where the parent is not recorded here.
    expect(spans.attributes('own code')).toMatchObject({ 'runspan.usage.input_tokens': 7, 'runspan.spans': 2 })
    expect(spans.attributes('first')).toEqual({
      'runspan.segment': true,
      'runspan.run.id': ref.runId,
      'runspan.spans': 1,
      'runspan.rollup.scope': 'segment',
      'runspan.rollup.complete': true,
    })
  })
})

describe('a span whose parent is not recorded', () => {
  it('belongs to the run that the trace is, below its root', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', (run) => {
      run.setUsage({ inputTokens: 500 })
      // A server in this process that the run calls over HTTP: its span's parent is known by its ids alone.
      const client = startForeign({ name: 'GET', kind: SpanKind.CLIENT })
      const remote = trace.setSpanContext(context.active(), { ...client.spanContext(), isRemote: true })
      emitSpans([{ name: 'GET /tools', kind: SpanKind.SERVER, below: [chat(30)] }], remote)
      client.end()
    })
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 30,
      'runspan.calls.llm': 1,
      'runspan.spans': 4,
      'runspan.rollup.complete': true,
    })
  })
})

describe('counters', () => {
  it('do not call what ended after a segment late, while the run is open', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const before = stats().lateSpans
    const { runId } = await wrapAgent('planner', (run) => {
      joinRun(run.ref, () => startForeign(chat(30)), { name: 'part' }).end()
    })
    expect(stats().lateSpans).toBe(before)
    expect(spans.root(runId).attributes['runspan.usage.input_tokens']).toBe(30)
  })
})
