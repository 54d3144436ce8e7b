import { context, trace, type Attributes, type Span } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { explainSpan, wrapAgent } from '../../src/index.ts'
import { chat, emitSpans, operation, startForeign, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

interface Beside {
  readonly name: string
  readonly scope: string
  /** @defaultValue 7 */
  readonly tokens?: number | 'unsaid'
  readonly attributes?: Attributes
  /** Ended before the next one starts. */
  readonly isOver?: boolean
}

function startBeside({ name, scope, tokens = 7, attributes = {} }: Beside): Span {
  const more = { name, scope, attributes }
  return startForeign(tokens === 'unsaid' ? operation('chat', more) : chat(tokens, 3, more))
}

/** Model calls with one parent, all open at the same time unless they are over. */
async function callsOf(spans: readonly Beside[]): Promise<object> {
  await using recorded = recordSpans({ rollup: { prices: 'none' } })
  const { runId } = await wrapAgent('planner', () => {
    const open = spans.map((one) => {
      const span = startBeside(one)
      const { isOver = false } = one
      if (isOver) span.end()
      return { span, isOver }
    })
    for (const { span, isOver } of open) if (!isOver) span.end()
  })
  const { attributes } = recorded.root(runId)
  return {
    calls: attributes['runspan.calls.llm'],
    input: attributes['runspan.usage.input_tokens'],
    suppressed: attributes['runspan.rollup.suppressed_spans'] ?? 0,
  }
}

/** The same, with what is known of the parts. */
async function totalsOf(spans: readonly Beside[]): Promise<Attributes> {
  await using recorded = recordSpans()
  const { runId } = await wrapAgent('planner', () => {
    for (const span of spans.map((one) => startBeside(one))) span.end()
  })
  return recorded.root(runId).attributes
}

const named = (model: string): Attributes => ({ 'gen_ai.response.model': model })
const answered = (id: string): Attributes => ({ 'gen_ai.response.id': id })

const client = { name: 'client', scope: 'client' }
const tracer = { name: 'tracer', scope: 'tracer' }

describe('two spans of one model call, side by side', () => {
  it('are one call where two instrumentations agree on it', async () => {
    expect(await callsOf([client, tracer])).toEqual({ calls: 1, input: 7, suppressed: 1 })
    const third = { name: 'third', scope: 'third' }
    expect(await callsOf([client, tracer, third])).toEqual({ calls: 1, input: 7, suppressed: 2 })
  })

  it('are one call where a framework’s span of it stands further down than the client’s', async () => {
    await using recorded = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () => {
      const chain = startForeign({ name: 'chain' })
      const step = startForeign({ name: 'step' }, trace.setSpan(context.active(), chain))
      const below = trace.setSpan(context.active(), step)
      for (const firstToEnd of ['called', 'traced', 'nobody called']) {
        const traced = startForeign(chat(7, 3, { name: 'traced', scope: 'callbacks' }), below)
        const called =
          firstToEnd === 'nobody called' ? undefined : startForeign(chat(7, 3, { name: 'called', scope: 'client' }))
        if (firstToEnd === 'called') called?.end()
        traced.end()
        if (firstToEnd === 'traced') called?.end()
      }
      step.end()
      chain.end()
    })
    expect(recorded.root(runId).attributes).toMatchObject({
      'runspan.calls.llm': 3,
      'runspan.usage.input_tokens': 21,
      'runspan.rollup.suppressed_spans': 2,
    })
  })

  it('are in the sums of the agent that called, with what the client’s span knows, whichever ends first', async () => {
    for (const order of [
      ['called', 'traced', 'step', 'agent'],
      ['traced', 'called', 'step', 'agent'],
      ['traced', 'step', 'called', 'agent'],
    ] as const) {
      await using recorded = recordSpans()
      const attributes = named('gpt-5-mini')
      const { runId } = await wrapAgent('planner', () => {
        const usage = { 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 3 }
        const agent = startForeign(
          operation('invoke_agent', { name: 'agent', attributes: { ...attributes, ...usage } }),
        )
        const step = startForeign({ name: 'step' }, trace.setSpan(context.active(), agent))
        const below = trace.setSpan(context.active(), step)
        const traced = startForeign(chat(7, 3, { name: 'traced', scope: 'framework', attributes }), below)
        const reasoning = { 'gen_ai.usage.reasoning.output_tokens': 2 }
        const called = startForeign(
          chat(7, 3, { name: 'called', scope: 'client', attributes: { ...attributes, ...reasoning } }),
        )
        const open = { agent, step, traced, called }
        for (const name of order) open[name].end()
      })
      const expected = {
        'runspan.calls.llm': 1,
        'runspan.usage.input_tokens': 7,
        'runspan.usage.reasoning.output_tokens': 2,
        'runspan.cost.source': 'priced',
      }
      expect(recorded.root(runId).attributes, order.join(', ')).toMatchObject({
        ...expected,
        'runspan.rollup.suppressed_spans': 2,
      })
      expect(recorded.span('agent').attributes, order.join(', ')).toMatchObject(expected)
    }
  })

  it('are as many calls as each of the two saw', async () => {
    const once = [client, tracer]
    expect(await callsOf([...once, ...once, ...once])).toEqual({ calls: 3, input: 21, suppressed: 3 })
  })

  it('are two calls where one instrumentation wrote both', async () => {
    expect(await callsOf([client, client])).toEqual({ calls: 2, input: 14, suppressed: 0 })
  })

  it('are two calls where they differ in tokens', async () => {
    expect(await callsOf([client, { ...tracer, tokens: 8 }])).toEqual({ calls: 2, input: 15, suppressed: 0 })
  })

  it('are two calls where one was over before the other began', async () => {
    expect(await callsOf([{ ...client, isOver: true }, tracer])).toEqual({ calls: 2, input: 14, suppressed: 0 })
  })

  it('are two calls where they name two models, and one where a model is named with its date', async () => {
    const two = [
      { ...client, attributes: named('gpt-4.1') },
      { ...tracer, attributes: named('o3') },
    ]
    expect(await callsOf(two)).toEqual({ calls: 2, input: 14, suppressed: 0 })
    const one = [
      { ...client, attributes: named('gpt-4.1') },
      { ...tracer, attributes: named('gpt-4.1-2025-04-14') },
    ]
    expect(await callsOf(one)).toEqual({ calls: 1, input: 7, suppressed: 1 })
  })

  it('are what the id of the answer says, whatever else they say', async () => {
    const two = [
      { ...client, attributes: answered('a') },
      { ...tracer, attributes: answered('b') },
    ]
    expect(await callsOf(two)).toEqual({ calls: 2, input: 14, suppressed: 0 })
    const one = [
      { ...client, attributes: answered('a') },
      { ...tracer, attributes: answered('a'), tokens: 8 },
    ]
    expect(await callsOf(one)).toEqual({ calls: 1, input: 7, suppressed: 1 })
  })

  it('are one call where one of them says nothing of its usage, or neither does', async () => {
    const attributes = named('gpt-4.1')
    const silentClient = { ...client, attributes, tokens: 'unsaid' } as const
    const silentTracer = { ...tracer, attributes, tokens: 'unsaid' } as const
    const toldTracer = { ...tracer, attributes }
    const one = { 'runspan.calls.llm': 1, 'runspan.usage.input_tokens': 7, 'runspan.cost.source': 'priced' }
    for (const spans of [
      [silentClient, toldTracer],
      [toldTracer, silentClient],
    ]) {
      const totals = await totalsOf(spans)
      expect(totals).toMatchObject(one)
      expect(totals).not.toHaveProperty('runspan.calls.unpriced')
    }
    expect(await totalsOf([silentClient, silentTracer])).toMatchObject({
      'runspan.calls.llm': 1,
      'runspan.calls.unpriced': 1,
    })
  })

  it('are two calls where one says nothing of its usage and they name two models, or none', async () => {
    const silent = { ...tracer, tokens: 'unsaid' } as const
    expect(await callsOf([client, silent])).toMatchObject({ calls: 2 })
    const other = { ...silent, attributes: named('o3') }
    expect(await callsOf([{ ...client, attributes: named('gpt-4.1') }, other])).toMatchObject({ calls: 2 })
  })

  it('are two calls where one says nothing of its usage and stands further down', async () => {
    await using recorded = recordSpans({ rollup: { prices: 'none' } })
    const attributes = named('gpt-4.1')
    const { runId } = await wrapAgent('planner', () => {
      const step = startForeign({ name: 'step' })
      const below = trace.setSpan(context.active(), step)
      const silent = startForeign(operation('chat', { name: 'silent', scope: 'callbacks', attributes }), below)
      startForeign(chat(7, 3, { ...client, attributes })).end()
      silent.end()
      step.end()
    })
    expect(recorded.root(runId).attributes).toMatchObject({ 'runspan.calls.llm': 2, 'runspan.calls.unpriced': 2 })
  })

  it('count with the numbers of the one that tells more apart, whichever ends first', async () => {
    const attributes = named('gpt-4.1')
    const rich = {
      ...tracer,
      tokens: 1000,
      attributes: { ...attributes, 'gen_ai.usage.cache_read.input_tokens': 800 },
    }
    const poor = { ...client, tokens: 1000, attributes }
    const alone = await totalsOf([rich])
    expect(alone).toMatchObject({ 'runspan.usage.cache_read.input_tokens': 800 })
    for (const spans of [
      [rich, poor],
      [poor, rich],
    ]) {
      expect(await totalsOf(spans)).toMatchObject({
        'runspan.calls.llm': 1,
        'runspan.usage.input_tokens': 1000,
        'runspan.usage.cache_read.input_tokens': 800,
        'runspan.cost.nano_usd': alone['runspan.cost.nano_usd'],
        'runspan.rollup.suppressed_spans': 1,
      })
    }
  })

  it('are both taken out where a call around them stands for them', async () => {
    await using recorded = recordSpans()
    const attributes = named('gpt-4.1')
    const details = { 'gen_ai.usage.cache_read.input_tokens': 4 }
    for (const { inner, cacheRead } of [
      {
        cacheRead: 4,
        inner: [
          chat(7, 3, { ...client, attributes }),
          chat(7, 3, { ...tracer, attributes: { ...attributes, ...details } }),
        ],
      },
      {
        cacheRead: undefined,
        inner: [operation('chat', { ...client, attributes }), chat(7, 3, { ...tracer, attributes })],
      },
    ]) {
      const { runId } = await wrapAgent('planner', () => {
        const outer = startForeign(chat(7, 3, { name: 'outer', scope: 'outer', attributes }))
        const around = trace.setSpan(context.active(), outer)
        for (const span of inner.map((one) => startForeign(one, around))) span.end()
        outer.end()
      })
      const totals = recorded.root(runId).attributes
      expect(totals).toMatchObject({ 'runspan.calls.llm': 1, 'runspan.usage.input_tokens': 7 })
      expect(totals['runspan.usage.cache_read.input_tokens']).toBe(cacheRead)
      expect(totals).not.toHaveProperty('runspan.calls.unpriced')
    }
  })

  it('are as many calls as the outer one saw, where the inner ones tell what it does not', async () => {
    await using recorded = recordSpans({ rollup: { prices: 'none' } })
    const attributes = named('gpt-4.1')
    const { runId } = await wrapAgent('planner', () => {
      // Calls of one client at the same time, all alike; the usage of streams is in the inner span alone.
      const calls = [true, false, true, false].map((isStream) => {
        const outer = startForeign(
          isStream ? operation('chat', { ...tracer, attributes }) : chat(7, 3, { ...tracer, attributes }),
        )
        return {
          outer,
          inner: startForeign(chat(7, 3, { ...client, attributes }), trace.setSpan(context.active(), outer)),
        }
      })
      for (const at of [1, 0, 3, 2]) {
        const { outer, inner } = calls[at]!
        inner.end()
        outer.end()
      }
    })
    expect(recorded.root(runId).attributes).toMatchObject({
      'runspan.calls.llm': 4,
      'runspan.usage.input_tokens': 28,
      'runspan.rollup.suppressed_spans': 2,
    })
  })

  it('are one call where both say nothing, or one of them, and the client’s span below one of them stands for it', async () => {
    await using recorded = recordSpans()
    const attributes = named('gpt-4.1')
    const silent = (name: string): ForeignSpan => operation('chat', { name, scope: name, attributes })
    const told = (name: string): ForeignSpan => chat(7, 3, { name, scope: name, attributes })
    // The inner one, the one beside the outer, and what they come to.
    const cases = [
      [silent, silent, { 'runspan.calls.llm': 1, 'runspan.calls.unpriced': 1 }],
      [told, silent, { 'runspan.calls.llm': 1, 'runspan.usage.input_tokens': 7, 'runspan.cost.source': 'priced' }],
      [told, told, { 'runspan.calls.llm': 1, 'runspan.usage.input_tokens': 7, 'runspan.rollup.suppressed_spans': 1 }],
    ] as const
    const orders = ['inner beside outer', 'inner outer beside', 'beside inner outer'] as const
    for (const [inner, beside, expected] of cases) {
      for (const order of orders) {
        const { runId } = await wrapAgent('planner', () => {
          const outer = startForeign(silent('outer'))
          const below = trace.setSpan(context.active(), outer)
          const open = { outer, beside: startForeign(beside('tracer')), inner: startForeign(inner('client'), below) }
          for (const name of order.split(' ') as (keyof typeof open)[]) open[name].end()
        })
        const totals = recorded.root(runId).attributes
        expect(totals, order).toMatchObject(expected)
        if (inner === told) expect(totals, order).not.toHaveProperty('runspan.calls.unpriced')
      }
    }
  })

  it('take what is below the repetition with them', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () => {
      const first = startForeign(chat(7, 3, client))
      const second = startForeign(chat(7, 3, tracer))
      emitSpans([chat(7, 3, { name: 'inner', scope: 'inner' })], trace.setSpan(context.active(), second))
      first.end()
      second.end()
    })
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 7,
      'runspan.calls.llm': 1,
      'runspan.rollup.suppressed_spans': 2,
    })
    expect(explainSpan(spans.span('tracer'))).toMatchObject({
      counted: false,
      reason: 'call_beside_stands_for_it',
      text: 'The model call "client" beside it is the same call.',
    })
  })

  it('are told apart among the last sixteen of one parent', async () => {
    const many = Array.from({ length: 16 }, (_, index) => ({ ...client, name: `other ${index}`, tokens: 100 + index }))
    expect(await callsOf([client, ...many.slice(1), tracer])).toMatchObject({ calls: 16, suppressed: 1 })
    expect(await callsOf([client, ...many, tracer])).toMatchObject({ calls: 18, suppressed: 0 })
  })
})
