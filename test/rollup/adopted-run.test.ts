import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { RunRollupProcessor, recordLlmCall, stats, withSpan, wrapAgent } from '../../src/index.ts'
import { OpenSpans } from '../../src/rollup/open-spans.ts'
import { openNode, type SpanNode } from '../../src/rollup/span-node.ts'
import type { ReadableSpanLike } from '../../src/rollup/span-like.ts'
import { shared } from '../../src/run/shared.ts'
import { emitSpans, startForeign, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const adopting = { rollup: { adopt: 'agents', prices: 'none' } } as const

const agent = { 'gen_ai.operation.name': 'invoke_agent' }
const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 300, 'gen_ai.usage.output_tokens': 5 }
const call: ForeignSpan = { name: 'call', kind: SpanKind.CLIENT, attributes: chat }
const server = (...below: readonly ForeignSpan[]): ForeignSpan => ({
  name: 'POST /chat',
  kind: SpanKind.SERVER,
  scope: '@opentelemetry/instrumentation-http',
  attributes: { 'http.request.method': 'POST', 'http.route': '/chat' },
  below,
})

/** Does something with a span active, and ends it. */
function within(span: Span, work: () => void): Span {
  context.with(trace.setSpan(context.active(), span), work)
  span.end()
  return span
}

/** What is written onto the span of an agent that is no run. */
const ofAgent = {
  'runspan.rollup.scope': 'agent',
  'runspan.rollup.complete': true,
  'runspan.adopted': true,
  'runspan.calls.llm': 1,
  'runspan.usage.input_tokens': 300,
}

function rollupKeys(attributes: Attributes): string[] {
  return Object.keys(attributes).filter((key) => key.startsWith('runspan.'))
}

describe('a trace whose topmost span is an agent’s', () => {
  it('becomes a run, and its calls count once', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([{ name: 'agent', attributes: { ...agent, 'gen_ai.usage.input_tokens': 300 }, below: [call] }])
    const root = spans.span('agent')
    expect(root.attributes).toMatchObject({
      'runspan.run.id': root.spanContext().traceId,
      'runspan.run.status': 'completed',
      'runspan.adopted': true,
      'runspan.usage.input_tokens': 300,
      'runspan.calls.llm': 1,
      'runspan.rollup.scope': 'run',
      'runspan.rollup.complete': true,
      'runspan.rollup.suppressed_spans': 1,
      'runspan.spans': 2,
    })
    expect(rollupKeys(spans.attributes('call'))).toEqual([])
  })

  it('has failed when its span did', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([{ name: 'agent', attributes: { 'gen_ai.operation.name': 'invoke_workflow' }, failed: true }])
    expect(spans.attributes('agent')).toMatchObject({ 'runspan.run.status': 'failed', 'runspan.errors': 1 })
  })

  it.each(['right after its start', 'between two children', 'just before its end'])(
    'is one also where the mark is set %s',
    async (when) => {
      await using spans = recordSpans(adopting)
      const mark = (at: string): unknown => at === when && span.setAttributes(agent)
      const span = trace.getTracer('framework').startSpan('agent')
      mark('right after its start')
      within(span, () => {
        emitSpans([{ name: 'step', below: [call] }])
        mark('between two children')
        emitSpans([{ name: 'step', below: [call] }])
        mark('just before its end')
      })
      expect(spans.attributes('agent')).toMatchObject({
        'runspan.run.id': span.spanContext().traceId,
        'runspan.rollup.scope': 'run',
        'runspan.calls.llm': 2,
        'runspan.usage.input_tokens': 600,
        'runspan.spans': 5,
      })
    },
  )

  it('has what its children say, by whatever keys its framework marks it', async () => {
    await using spans = recordSpans(adopting)
    const marks: readonly Attributes[] = [
      { 'gen_ai.operation.name': 'invoke_workflow' },
      { 'gen_ai.operation.name': 'invoke_graph' },
      { 'ai.operationId': 'ai.streamText', 'operation.name': 'ai.streamText' },
      { 'openinference.span.kind': 'CHAIN' },
      { 'openinference.span.kind': 'AGENT' },
      { 'langfuse.observation.type': 'agent' },
      { 'traceloop.span.kind': 'workflow', 'gen_ai.operation.name': 'workflow' },
      { 'langsmith.span.kind': 'chain', 'gen_ai.operation.name': 'chain' },
      { 'mlflow.spanType': '"AGENT"' },
    ]
    const named: readonly ForeignSpan[] = [
      { name: 'invocation', scope: 'gcp.vertex.agent' },
      { name: 'claude_code.interaction' },
    ]
    emitSpans(
      [...marks.map((attributes) => ({ name: 'agent', attributes })), ...named].map((span) => ({
        ...span,
        below: [call],
      })),
    )
    const roots = spans.all.filter(({ parentSpanContext }) => parentSpanContext === undefined)
    expect(roots.map(({ attributes }) => attributes['runspan.calls.llm'])).toEqual(roots.map(() => 1))
    expect(roots).toHaveLength(marks.length + named.length)
  })

  it('takes no single call, embedding or tool for an agent', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([
      call,
      { name: 'ai.embed', attributes: { 'ai.operationId': 'ai.embed' } },
      { name: 'retriever', attributes: { 'openinference.span.kind': 'RETRIEVER' } },
      { name: 'tool', attributes: { 'gen_ai.operation.name': 'execute_tool' }, below: [call] },
      { name: 'prompt', attributes: { 'langsmith.span.kind': 'prompt', 'gen_ai.operation.name': 'chat' } },
      { name: 'invocation', scope: 'somebody else' },
      { name: 'request', kind: SpanKind.SERVER, attributes: agent, below: [call] },
    ])
    expect(spans.all.flatMap(({ attributes }) => rollupKeys(attributes))).toEqual([])
  })

  it('has its late spans in an amendment', async () => {
    await using spans = recordSpans(adopting)
    const span = trace.getTracer('framework').startSpan('agent')
    const late = startForeign({ name: 'step' }, trace.setSpan(context.active(), span))
    const inner = startForeign(call, trace.setSpan(context.active(), late))
    span.setAttributes(agent)
    span.end()
    inner.end()
    late.end()
    expect(spans.attributes('agent')).toMatchObject({
      'runspan.rollup.complete': false,
      'runspan.rollup.open_spans': 2,
    })
    expect(spans.attributes('runspan amendment')).toMatchObject({
      'runspan.run.id': span.spanContext().traceId,
      'runspan.late.calls.llm': 1,
      'runspan.late.spans': 2,
    })
  })

  it('is in the registry while it is open, and lets go of it', async () => {
    await using spans = recordSpans(adopting)
    const span = startForeign({ name: 'agent', attributes: agent })
    within(span, () => {
      emitSpans([call])
      expect(shared().open.get(span.spanContext().traceId)).toBeDefined()
    })
    expect(shared().open.get(span.spanContext().traceId)).toBeUndefined()
    expect(spans.all).toHaveLength(2)
  })
})

describe('an agent below a span that is none', () => {
  it('has totals of its own with scope agent, and pretends to be no run', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([server({ name: 'middleware', below: [{ name: 'agent', attributes: agent, below: [call] }] }, call)])
    expect(spans.attributes('agent')).toMatchObject(ofAgent)
    expect(spans.attributes('agent')).not.toHaveProperty('runspan.run.id')
    expect(spans.attributes('agent')).not.toHaveProperty('runspan.run.status')
    expect(rollupKeys(spans.attributes('POST /chat'))).toEqual([])
    expect(rollupKeys(spans.attributes('middleware'))).toEqual([])
  })

  it('is found where its mark comes at its end, with its own calls alone', async () => {
    await using spans = recordSpans(adopting)
    const request = startForeign(server())
    within(request, () => {
      const span = trace.getTracer('framework').startSpan('agent')
      within(span, () => {
        emitSpans([{ name: 'step', below: [call] }])
        span.setAttributes(agent)
      })
      emitSpans([call])
    })
    expect(spans.attributes('agent')).toMatchObject({ ...ofAgent, 'runspan.spans': 3 })
    expect(rollupKeys(spans.attributes('POST /chat'))).toEqual([])
  })

  it('stands beside others in one trace, each with its own', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([
      server(
        { name: 'first', attributes: agent, below: [call] },
        { name: 'second', attributes: agent, below: [call, call] },
      ),
    ])
    expect(spans.attributes('first')['runspan.calls.llm']).toBe(1)
    expect(spans.attributes('second')['runspan.calls.llm']).toBe(2)
  })

  it('is one below a caller in another process, too', async () => {
    await using spans = recordSpans(adopting)
    const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true }
    emitSpans([{ name: 'agent', attributes: agent, below: [call] }], trace.setSpanContext(ROOT_CONTEXT, remote))
    expect(spans.attributes('agent')).toMatchObject(ofAgent)
  })

  it('has the agents that it calls within its totals, and they have theirs', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([
      server({ name: 'outer', attributes: agent, below: [call, { name: 'inner', attributes: agent, below: [call] }] }),
    ])
    expect(spans.attributes('outer')).toMatchObject({
      ...ofAgent,
      'runspan.calls.llm': 2,
      'runspan.usage.input_tokens': 600,
    })
    expect(spans.attributes('inner')).toMatchObject({ 'runspan.rollup.scope': 'agent', 'runspan.calls.llm': 1 })
    expect(spans.attributes('inner')).not.toHaveProperty('runspan.adopted')
  })

  it('counts what it reports itself where nothing below it does', async () => {
    await using spans = recordSpans(adopting)
    emitSpans([server({ name: 'agent', attributes: { ...agent, 'gen_ai.usage.input_tokens': 300 } })])
    expect(spans.attributes('agent')).toMatchObject({ ...ofAgent, 'runspan.spans': 1 })
  })

  it('counts what its handle is told', async () => {
    await using spans = recordSpans(adopting)
    withSpan({ name: 'agent', type: 'agent' }, (span) => span.setUsage({ inputTokens: 300 }))
    expect(spans.all[0]!.attributes).toMatchObject({ ...ofAgent, 'runspan.rollup.scope': 'run' })
  })

  it('has its late spans in an amendment below it, without a run id', async () => {
    await using spans = recordSpans(adopting)
    const request = startForeign(server())
    within(request, () => {
      const span = startForeign({ name: 'agent', attributes: agent })
      const late = startForeign(call, trace.setSpan(context.active(), span))
      span.end()
      late.end()
    })
    const amendment = spans.span('runspan amendment')
    expect(amendment.parentSpanContext!.spanId).toBe(spans.span('agent').spanContext().spanId)
    expect(amendment.attributes).toMatchObject({ 'runspan.rollup.scope': 'agent', 'runspan.late.calls.llm': 1 })
    expect(amendment.attributes).not.toHaveProperty('runspan.run.id')
  })

  it('is no agent where it only calls one elsewhere, unless models were called here', async () => {
    await using spans = recordSpans(adopting)
    const kind = SpanKind.CLIENT
    emitSpans([
      server(
        {
          name: 'remote',
          kind,
          attributes: { ...agent, 'gen_ai.usage.input_tokens': 9 },
          below: [{ name: 'POST', kind }],
        },
        { name: 'local', kind, attributes: agent, below: [call] },
      ),
    ])
    expect(rollupKeys(spans.attributes('remote'))).toEqual([])
    expect(spans.attributes('local')).toMatchObject(ofAgent)
  })
})

describe('runs of our own', () => {
  it('are no part of the trace they were started in, and what they leave there is no agent', async () => {
    await using spans = recordSpans(adopting)
    const request = startForeign(server())
    await context.with(trace.setSpan(context.active(), request), async () => {
      const { ended } = await wrapAgent('planner', () => {
        recordLlmCall({ model: 'gpt-4.1-mini', provider: 'openai', inputTokens: 300, outputTokens: 5 })
      })
      await ended
    })
    request.end()
    const inTrace = spans.of(request.spanContext().traceId)
    expect(inTrace.map(({ attributes }) => 'runspan.adopted' in attributes)).toEqual(inTrace.map(() => false))
    expect(inTrace.filter(({ attributes }) => 'runspan.rollup.scope' in attributes)).toEqual([])
    const runs = spans.all.filter(({ attributes }) => attributes['runspan.rollup.scope'] === 'run')
    expect(runs.map(({ attributes }) => attributes['runspan.calls.llm'])).toEqual([1])
  })

  it('stamps every span of a run, and none of a trace that is none', async () => {
    await using spans = recordSpans({ rollup: { ...adopting.rollup, stamp: 'all' } })
    emitSpans([
      { name: 'agent', attributes: agent, below: [call] },
      server({ name: 'middleware', below: [{ name: 'inner agent', attributes: agent, below: [{ name: 'step' }] }] }),
    ])
    const stamped = spans.all.filter(({ attributes }) => 'runspan.run.id' in attributes).map(({ name }) => name)
    expect(stamped).toEqual(['agent', 'call'])
  })
})

const contextOf = (id: number): SpanContext => ({
  traceId: '1'.repeat(32),
  spanId: id.toString(16).padStart(16, '0'),
  traceFlags: 1,
})

const openPart = { closed: false }

function nodeOf(number: number, parent?: number): SpanNode {
  const span = {
    spanContext: () => contextOf(number),
    parentSpanContext: parent === undefined ? undefined : contextOf(parent),
  } as unknown as ReadableSpanLike
  return openNode(span, openPart as never, undefined as never, undefined, false)
}

/** Where a span starts as LangChain's callbacks start it: of its parent only the span context is known. */
function belowById(parent: Span): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { ...parent.spanContext() })
}

describe('parents that are named by id alone', () => {
  it.each([
    { adopt: 'agents', outer: undefined },
    { adopt: false, outer: 'run' },
  ] as const)('are found: a failure that passes up is one ($adopt, $outer)', async ({ adopt, outer }) => {
    await using spans = recordSpans({ rollup: { adopt, prices: 'none' } })
    const work = (): void => {
      const tracer = trace.getTracer('callbacks')
      const chain = tracer.startSpan('chain', {}, outer === undefined ? ROOT_CONTEXT : context.active())
      chain.setAttribute('openinference.span.kind', 'CHAIN')
      const node = tracer.startSpan('node', {}, belowById(chain))
      node.setAttribute('openinference.span.kind', 'CHAIN')
      const model = tracer.startSpan('model', { attributes: { 'openinference.span.kind': 'LLM' } }, belowById(node))
      for (const span of [model, node, chain]) span.setStatus({ code: SpanStatusCode.ERROR }).end()
    }
    if (outer === undefined) work()
    else await (await wrapAgent(outer, work)).ended
    const root = spans.all.find(({ attributes }) => attributes['runspan.rollup.scope'] === 'run')!
    expect(root.attributes).toMatchObject({ 'runspan.errors': 1, 'runspan.calls.llm': 1 })
  })

  it('are looked for among the latest 2000 open spans of what has not ended', () => {
    const open = new OpenSpans()
    const nodes = Array.from({ length: 2001 }, (_, number) => nodeOf(number + 1))
    for (const node of nodes) open.add(node)
    expect(open.parentOf(nodeOf(20_000, 1).span), 'pushed out').toBeUndefined()
    expect(open.parentOf(nodeOf(20_000, 2).span)).toBe(nodes[1])
    open.delete(nodes[1]!)
    expect(open.parentOf(nodeOf(20_000, 2).span), 'ended').toBeUndefined()
    expect(open.parentOf(nodeOf(20_000, 2001).span)).toBe(nodes[2000])
    openPart.closed = true
    open.add(nodeOf(3000))
    expect(open.parentOf(nodeOf(20_000, 3).span), 'in a run that has ended').toBeUndefined()
    openPart.closed = false
  })
})

describe('the option', () => {
  it('adopts nothing unless asked to', async () => {
    await using spans = recordSpans()
    emitSpans([{ name: 'agent', attributes: agent, below: [call] }])
    expect(rollupKeys(spans.attributes('agent'))).toEqual([])
  })

  it('asks a function, and adopts nothing where that throws', async () => {
    await using spans = recordSpans({ rollup: { adopt: ({ attributes }) => attributes['kind'] === 'job' } })
    emitSpans([
      { name: 'job', attributes: { kind: 'job' }, below: [call] },
      { name: 'agent', attributes: agent, below: [call] },
    ])
    expect(spans.attributes('job')).toMatchObject({ 'runspan.rollup.scope': 'run', 'runspan.calls.llm': 1 })
    expect(rollupKeys(spans.attributes('agent'))).toEqual([])
  })

  it('survives a function that throws', async () => {
    const before = stats().callbackErrors
    await using spans = recordSpans({
      rollup: {
        adopt: () => {
          throw new Error('no')
        },
      },
    })
    emitSpans([{ name: 'agent', attributes: agent, below: [call] }])
    expect(rollupKeys(spans.attributes('agent'))).toEqual([])
    expect(stats().callbackErrors).toBeGreaterThan(before)
  })

  it('refuses at set-up what cannot decide', () => {
    expect(() => new RunRollupProcessor({ adopt: 'all' as never })).toThrow(/adopt: all cannot be used. Use 'agents'/)
    expect(stats().internalErrors).toBe(0)
  })
})
