import { SpanKind, context, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { buildFamilies } from '../../src/query/index.ts'
import { runTreesOf } from '../../src/query/run-trees.ts'
import { storedTraceOf } from '../../src/query/stored-trace.ts'
import { listedRunOf } from '../../src/query/listed-run.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { chat, emitSpans, startForeign, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'
import { idOf, span } from './stored-spans.ts'

const a = idOf('a1')
const rollup = (calls: number, more = {}) => ({
  'runspan.adopted': true,
  'runspan.rollup.scope': 'agent',
  'runspan.rollup.complete': true,
  'runspan.calls.llm': calls,
  ...more,
})
const server = span(a, { kind: 'server', name: 'POST /chat', to: 9 })
const agentOf = (spanId: string, calls: number, more = {}, from = 1): StoredSpan =>
  span(a, {
    spanId,
    parentSpanId: server.spanId,
    name: `agent ${spanId}`,
    from,
    to: from + 3,
    attributes: rollup(calls, more),
  })

describe('agents that nobody wrapped, in a trace that is no run', () => {
  it('are found with their totals, and the first stands as the root', () => {
    const [tree] = runTreesOf([server, agentOf('b1', 2), agentOf('b2', 3, {}, 5)])
    expect(tree).toMatchObject({
      runId: a,
      scope: 'agent',
      agent: 'agent b1',
      status: 'completed',
      durationMillis: 3,
      gaps: [],
      ownTotals: { llmCalls: 2 },
      totals: { llmCalls: 5 },
      agents: [{ agent: 'agent b1' }, { agent: 'agent b2', totals: { llmCalls: 3 } }],
    })
  })

  it('have the name that they are given, and fail where their span did', () => {
    const failed = {
      ...agentOf('b1', 1, { 'gen_ai.agent.name': 'planner' }),
      status: { code: 'error', message: 'no' },
    } as const
    expect(runTreesOf([failed])[0]).toMatchObject({ agent: 'planner', status: 'failed', failure: { message: 'no' } })
  })

  it('count once where an agent around them was found later, and holds their numbers', () => {
    const inner = { ...agentOf('b2', 3), parentSpanId: 'b1' }
    const [tree] = runTreesOf([server, agentOf('b1', 5, { 'runspan.rollup.agent_span_ids': ['b2'] }), inner])
    expect(tree!.totals.llmCalls).toBe(5)
    expect(tree!.agents).toHaveLength(1)
  })

  it('have their amendments', () => {
    const late = span(a, {
      name: 'runspan amendment',
      parentSpanId: 'b1',
      attributes: { 'runspan.rollup.scope': 'agent', 'runspan.late.calls.llm': 4 },
    })
    expect(runTreesOf([server, agentOf('b1', 2), late])[0]!.totals.llmCalls).toBe(6)
  })

  it('are listed by readers that keep the outline of a trace alone', () => {
    const stored = storedTraceOf(
      a,
      [server, agentOf('b1', 2), span(a, { name: 'step', parentSpanId: 'b1', from: 2 })],
      0,
    )
    expect(stored.outline).toHaveLength(2)
    expect(listedRunOf(stored)).toMatchObject({
      runId: a,
      scope: 'agent',
      agent: 'agent b1',
      totals: { llmCalls: 2 },
      flags: [],
    })
  })

  it('leave a trace without any a trace that is no run', () => {
    expect(runTreesOf([server, span(a, { parentSpanId: server.spanId })])).toEqual([])
  })
})

describe('agents that nobody wrapped, in a run', () => {
  const runAttributes = { ...rollup(1), 'runspan.adopted': false, 'runspan.rollup.scope': 'run', 'runspan.run.id': a }
  const root = span(a, { to: 9, attributes: runAttributes })

  it('add to its totals where they worked in a process that did not join it', () => {
    const [tree] = runTreesOf([root, agentOf('b1', 2)])
    expect(tree).toMatchObject({
      scope: 'run',
      root: { spanId: root.spanId },
      ownTotals: { llmCalls: 1 },
      totals: { llmCalls: 3 },
    })
    expect(buildFamilies([root, agentOf('b1', 2)])[0]!.totals.llmCalls).toBe(3)
  })

  it('wait for its root where that has not come', () => {
    const marked = { ...agentOf('b1', 2), traceState: `runspan=${a.slice(16)}` }
    expect(runTreesOf([marked])[0]).toMatchObject({
      scope: 'run',
      root: undefined,
      gaps: ['root'],
      totals: { llmCalls: 2 },
    })
  })
})

it('reads what the processor writes, agents within agents counted once', async () => {
  await using spans = recordSpans({ rollup: { adopt: 'agents', prices: 'none' } })
  const mark = { 'gen_ai.operation.name': 'invoke_agent' }
  const call: ForeignSpan = chat(7, 3)
  const request = startForeign({ name: 'POST /chat', kind: SpanKind.SERVER })
  context.with(trace.setSpan(context.active(), request), () => {
    // Both are marked at their ends, the inner one first.
    const outer = startForeign({ name: 'outer' })
    context.with(trace.setSpan(context.active(), outer), () => {
      emitSpans([call])
      const inner = startForeign({ name: 'inner' })
      context.with(trace.setSpan(context.active(), inner), () => emitSpans([call]))
      inner.setAttributes(mark).end()
    })
    outer.setAttributes(mark).end()
    emitSpans([{ name: 'next', attributes: mark, below: [call] }])
  })
  request.end()
  const stored = spans.all.map((one): StoredSpan => {
    const { parentSpanContext } = one
    return span(one.spanContext().traceId, {
      name: one.name,
      spanId: one.spanContext().spanId,
      ...(parentSpanContext !== undefined && { parentSpanId: parentSpanContext.spanId }),
      attributes: one.attributes as StoredSpan['attributes'],
    })
  })
  const [tree] = runTreesOf(stored)
  expect(tree!.agents.map(({ agent }) => agent).toSorted()).toEqual(['next', 'outer'])
  expect(tree!.totals).toMatchObject({ llmCalls: 3, inputTokens: 21 })
})
