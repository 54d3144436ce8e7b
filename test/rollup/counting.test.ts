import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { llm, recordLlmCall, recordToolCall, tool, withSpan, wrapAgent } from '../../src/index.ts'
import { chat, emitInOrder, emitSpans, operation, usage, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans, type RecordOptions } from '../support/record-spans.ts'

/** Totals of a run in which somebody writes these spans. */
async function totalsOf(spans: readonly ForeignSpan[], options: RecordOptions = {}): Promise<object> {
  await using recorded = recordSpans({ rollup: { prices: 'none' }, ...options })
  const { runId } = await wrapAgent('planner', () => emitSpans(spans))
  return numbersOn(recorded.root(runId).attributes)
}

/** The rollup of a span, without what is 0 or obvious here. */
function numbersOn(attributes: object): object {
  const short: Readonly<Record<string, string>> = {
    'runspan.usage.input_tokens': 'input',
    'runspan.usage.output_tokens': 'output',
    'runspan.calls.llm': 'calls',
    'runspan.calls.tool': 'tools',
    'runspan.errors': 'errors',
    'runspan.rollup.suppressed_spans': 'suppressed',
  }
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([key, value]) => (short[key] === undefined ? [] : [[short[key], value]])),
  )
}

describe('a model call', () => {
  it('counts', async () => {
    expect(await totalsOf([chat(100, 20), chat(30, 5)])).toEqual({ input: 130, output: 25, calls: 2 })
  })

  it('counts as a call where it reports nothing, and where it failed', async () => {
    expect(await totalsOf([operation('chat'), operation('chat', { failed: true })])).toEqual({ calls: 2, errors: 1 })
  })

  it('takes the place of what containers above it repeat (P11, P26)', async () => {
    const below = [chat(100, 20), chat(200, 30)]
    const step = operation('agent_step', { attributes: usage(300, 50), below })
    const sum = operation('invoke_workflow', { attributes: usage(300, 50), below: [step] })
    expect(await totalsOf([sum])).toEqual({ input: 300, output: 50, calls: 2, suppressed: 2 })
  })

  it('counts in the run of a parent with partial usage, which must not hide its children (P26)', async () => {
    const partial = { name: 'partial', attributes: usage(1), below: [chat(100), chat(200)] }
    expect(await totalsOf([partial])).toEqual({ input: 300, calls: 2, suppressed: 1 })
  })

  it('is never what fetches an answer, nor what a provider reports of its own side', async () => {
    const server = { name: 'messages', kind: SpanKind.SERVER, scope: 'com.anthropic.claude-platform' }
    const providerSide = { ...server, attributes: { 'gen_ai.operation.name': 'chat', ...usage(100, 20) } }
    const fetched = operation('fetch_response', { attributes: usage(100, 20) })
    expect(await totalsOf([chat(100, 20, { below: [providerSide] }), fetched])).toEqual({
      input: 100,
      output: 20,
      calls: 1,
      suppressed: 2,
    })
  })
})

describe('a container', () => {
  it('counts only where nothing below it reported usage', async () => {
    expect(await totalsOf([operation('invoke_workflow', { attributes: usage(300, 50) })])).toEqual({
      input: 300,
      output: 50,
      calls: 1,
    })
  })

  it('is the innermost of several that say the same', async () => {
    const inner = { name: 'inner', attributes: usage(300, 50) }
    const middle = operation('agent_step', { attributes: usage(300, 50), below: [inner] })
    expect(await totalsOf([operation('plan', { attributes: usage(300, 50), below: [middle] })])).toEqual({
      input: 300,
      output: 50,
      calls: 1,
      suppressed: 2,
    })
  })

  it('speaks for calls below it that say nothing, which stay as many calls as they are', async () => {
    const below = [operation('chat'), operation('execute_tool', { below: [operation('chat')] })]
    const cost = { 'gen_ai.usage.cost': 0.5 }
    await using recorded = recordSpans()
    const { runId } = await wrapAgent('planner', () =>
      emitSpans([operation('invoke_workflow', { attributes: { ...usage(300, 50), ...cost }, below })]),
    )
    const root = recorded.root(runId).attributes
    expect(numbersOn(root)).toEqual({ input: 300, output: 50, calls: 2, tools: 1 })
    expect(root).toMatchObject({ 'runspan.cost.source': 'reported', 'runspan.cost.usd': 0.5 })
    expect(root).not.toHaveProperty(['runspan.calls.unpriced'])
  })

  it('may be an operation nobody knows: a call where it is alone, a container where calls are below it', async () => {
    const decide = { attributes: { 'gen_ai.operation.name': 'decide', ...usage(10, 1) } }
    expect(await totalsOf([{ name: 'decide', ...decide }])).toEqual({ input: 10, output: 1, calls: 1 })
    expect(await totalsOf([{ name: 'decide', ...decide, below: [{ name: 'decide inner', ...decide }] }])).toEqual({
      input: 10,
      output: 1,
      calls: 1,
      suppressed: 1,
    })
    expect(await totalsOf([{ name: 'decide', ...decide, below: [chat(7)] }])).toEqual({
      input: 7,
      calls: 1,
      suppressed: 1,
    })
  })

  it('of a remote agent counts what it returned, unless that is here already', async () => {
    const remote = operation('invoke_agent', { kind: SpanKind.CLIENT, attributes: usage(80) })
    expect(await totalsOf([remote])).toEqual({ input: 80, calls: 1 })
    expect(await totalsOf([{ ...remote, below: [chat(80)] }])).toEqual({ input: 80, calls: 1, suppressed: 1 })
  })
})

describe('nested model calls', () => {
  it('are one call where the outer one carries usage', async () => {
    const wrapped = chat(100, 20, { name: 'outer', below: [{ name: 'http' }, chat(100, 20)] })
    expect(await totalsOf([wrapped])).toEqual({ input: 100, output: 20, calls: 1, suppressed: 1 })
  })

  it('are the inner ones where the outer one says nothing, as embedMany of AI SDK 7', async () => {
    const inner = operation('embeddings', { attributes: usage(7) })
    expect(await totalsOf([operation('embeddings', { below: [inner, inner, inner] })])).toEqual({ input: 21, calls: 3 })
  })

  it('are calls of their own below a tool or agent between them', async () => {
    const inTool = operation('execute_tool', { below: [chat(10)] })
    const inAgent = operation('invoke_agent', { below: [chat(20)] })
    expect(await totalsOf([chat(100, 0, { below: [inTool, inAgent] })])).toEqual({ input: 130, calls: 3, tools: 1 })
  })

  it('are one call over any number of levels and of instrumentations', async () => {
    // A wrapper, the SDK, a framework and the client all see the same call: OpenInference plus OpenAI, Traceloop plus
    // LangChain.
    const client = chat(100, 20, { name: 'client', scope: '@opentelemetry/instrumentation-openai' })
    const framework = {
      name: 'ChatOpenAI',
      attributes: { 'openinference.span.kind': 'LLM', 'llm.token_count.prompt': 100 },
    }
    const traced = { name: 'openai.chat', attributes: { 'llm.request.type': 'chat', ...usage(100, 20) } }
    expect(await totalsOf([{ ...traced, below: [{ ...framework, below: [client] }] }])).toEqual({
      input: 100,
      output: 20,
      calls: 1,
      suppressed: 2,
    })
  })

  it('of Runspan’s llm around an instrumented client are one call', async () => {
    await using recorded = recordSpans({ rollup: { prices: 'none' } })
    const ask = llm('answer', () => {
      emitSpans([chat(100, 20)])
      return { usage: { prompt_tokens: 100, completion_tokens: 20 } }
    })
    const silent = llm('silent', () => emitSpans([chat(7)]))
    const { runId } = await wrapAgent('planner', () => {
      ask()
      silent()
    })
    expect(numbersOn(recorded.root(runId).attributes)).toEqual({ input: 107, output: 20, calls: 2, suppressed: 1 })
  })

  it('carry the cost of one call on one span, so that adding leaves up counts it once', async () => {
    await using recorded = recordSpans({ rollup: { prices: () => 0.001 } })
    const model = { 'gen_ai.request.model': 'some-model' }
    const { runId } = await wrapAgent('planner', () =>
      emitSpans([
        chat(100, 20, {
          name: 'outer',
          attributes: model,
          below: [chat(100, 20, { name: 'inner', attributes: model })],
        }),
        chat(100, 20, { name: 'plain', attributes: model }),
        operation('embeddings', {
          below: [operation('embeddings', { name: 'x', attributes: { ...usage(7), ...model } })],
        }),
      ]),
    )
    const cost = 'runspan.call.cost.nano_usd'
    const costs = recorded.of(runId).flatMap((span) => (span.attributes[cost] === undefined ? [] : [span.name]))
    // The outer call of the embeddings may still have claimed it when the inner one ended, so nobody has it.
    expect(costs).toEqual(['outer', 'plain'])
    expect(recorded.root(runId).attributes).toMatchObject({
      'runspan.cost.nano_usd': 3_000_000,
      'runspan.calls.llm': 3,
      'runspan.cost.source': 'priced',
    })
  })
})

describe('children that end after their parents', () => {
  const inner = chat(100, 20, { name: 'inner' })
  const wrapped = (outer: Partial<ForeignSpan>): ForeignSpan => ({ name: 'outer', ...outer, below: [inner] })
  const empty = { attributes: { 'gen_ai.operation.name': 'chat' } }
  const full = { attributes: { ...empty.attributes, ...usage(100, 20) } }
  const rows: readonly (readonly [string, readonly ForeignSpan[], object])[] = [
    ['a call with usage', [wrapped(full)], { input: 100, output: 20, calls: 1, suppressed: 1 }],
    ['a call without usage', [wrapped(empty)], { input: 100, output: 20, calls: 1 }],
    ['a container', [wrapped({ attributes: usage(100, 20) })], { input: 100, output: 20, calls: 1, suppressed: 1 }],
    [
      'a call with a span between that outlives both',
      [{ name: 'outer', ...full, below: [{ name: 'between', below: [inner] }] }],
      { input: 100, output: 20, calls: 1, suppressed: 1 },
    ],
  ]
  for (const [what, spans, expected] of rows) {
    it(`add up to the same in any order: ${what}`, async () => {
      const names = ['outer', 'inner', ...(what.includes('between') ? ['between'] : [])]
      for (const order of permutations(names)) {
        await using recorded = recordSpans({ rollup: { prices: 'none' } })
        const { runId } = await wrapAgent('planner', () => emitInOrder(spans, order))
        expect(numbersOn(recorded.root(runId).attributes), order.join(', ')).toEqual(expected)
      }
    })
  }
})

function permutations(names: readonly string[]): readonly (readonly string[])[] {
  if (names.length <= 1) return [names]
  return names.flatMap((name) => permutations(names.filter((other) => other !== name)).map((rest) => [name, ...rest]))
}

function named(name: string, more: Partial<ForeignSpan> = {}): ForeignSpan {
  return operation('execute_tool', { ...more, attributes: { 'gen_ai.tool.name': name, ...more.attributes } })
}

describe('a tool call', () => {
  it('counts, failed or not', async () => {
    expect(await totalsOf([named('search'), named('fetch', { failed: true })])).toEqual({ tools: 2, errors: 1 })
  })

  it('counts once where a framework and a wrapper both see it', async () => {
    expect(await totalsOf([named('search', { below: [{ name: 'x' }, named('search')] })])).toEqual({ tools: 1 })
    const aiSdk = { name: 'ai.toolCall', attributes: { 'ai.operationId': 'ai.toolCall', 'ai.toolCall.name': 'search' } }
    const openInference = { name: 't', attributes: { 'openinference.span.kind': 'TOOL', 'tool.name': 'search' } }
    for (const outer of [aiSdk, openInference]) {
      expect(await totalsOf([{ ...outer, below: [named('search')] }])).toEqual({ tools: 1 })
      expect(await totalsOf([named('search', { below: [outer] })])).toEqual({ tools: 1 })
    }
  })

  it('counts anew where its name differs, or an agent or model call is in between', async () => {
    expect(await totalsOf([named('search', { below: [named('fetch')] })])).toEqual({ tools: 2 })
    const between = operation('invoke_agent', { below: [named('search')] })
    expect(await totalsOf([named('search', { below: [between] })])).toEqual({ tools: 2 })
    expect(await totalsOf([named('search', { below: [chat(1, 0, { below: [named('search')] })] })])).toEqual({
      input: 1,
      calls: 1,
      tools: 2,
    })
  })

  it('of Runspan’s own functions counts, wrapped or recorded', async () => {
    await using recorded = recordSpans()
    const { runId } = await wrapAgent('planner', () => {
      tool('search', () => 1)()
      recordToolCall({ name: 'fetch' })
      recordLlmCall({ model: 'some-model', provider: 'somebody', inputTokens: 5 })
    })
    expect(numbersOn(recorded.root(runId).attributes)).toEqual({ tools: 2, calls: 1, input: 5 })
  })
})

function failed(name: string, ...below: readonly ForeignSpan[]): ForeignSpan {
  return { name, failed: true, below }
}

describe('failures', () => {
  it('are counted on the innermost span that reports them', async () => {
    expect(await totalsOf([failed('step', failed('call', failed('http')))])).toEqual({ errors: 1 })
  })

  it('are as many as there are innermost ones', async () => {
    expect(await totalsOf([failed('step', failed('a'), failed('b')), failed('c')])).toEqual({ errors: 3 })
  })

  it('of a span whose child failed and was dealt with count anew', async () => {
    expect(await totalsOf([failed('step', { name: 'retries', below: [failed('first attempt')] })])).toEqual({
      errors: 2,
    })
  })

  it('are the same where the parent ends first', async () => {
    await using recorded = recordSpans()
    const { runId } = await wrapAgent('planner', () => emitInOrder([failed('step', failed('call'))], ['step', 'call']))
    expect(numbersOn(recorded.root(runId).attributes)).toEqual({ errors: 1 })
  })

  it('of the run are counted at its root only where nothing below failed', async () => {
    await using recorded = recordSpans()
    const thrown = new Error('no')
    const fail = (): never => {
      throw thrown
    }
    await expect(wrapAgent('alone', fail)).rejects.toBe(thrown)
    await expect(wrapAgent('passed up', () => withSpan('step', fail))).rejects.toBe(thrown)
    await wrapAgent('cancelled', () => {
      throw new DOMException('stop', 'AbortError')
    }).catch(() => {})
    const errors = ['alone', 'passed up', 'cancelled'].map(
      (name) => recorded.attributes(`invoke_agent ${name}`)['runspan.errors'],
    )
    expect(errors).toEqual([1, 1, undefined])
  })

  it('are counted where the application has set the status of a failed run to OK', async () => {
    await using recorded = recordSpans()
    await wrapAgent('planner', (run) => {
      trace.getActiveSpan()!.setStatus({ code: SpanStatusCode.OK })
      run.setStatus('failed', 'no rows')
    })
    expect(recorded.attributes('invoke_agent planner')['runspan.errors']).toBe(1)
  })
})

describe('totals that an agent reports of itself', () => {
  it('count where nothing below it reported usage (A16)', async () => {
    await using recorded = recordSpans()
    const { runId } = await wrapAgent('planner', (run) => {
      run.setUsage({ inputTokens: 500, outputTokens: 60, costUsd: 0.25 })
      emitSpans([{ name: 'step' }])
    })
    expect(recorded.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 500,
      'runspan.usage.output_tokens': 60,
      'runspan.cost.nano_usd': 250_000_000,
      'runspan.cost.source': 'reported',
      'runspan.calls.llm': 1,
    })
  })

  it('do not count beside what was reported below (A16)', async () => {
    await using recorded = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', (run) => {
      run.setUsage({ inputTokens: 500 })
      emitSpans([chat(100, 20)])
    })
    expect(numbersOn(recorded.root(runId).attributes)).toEqual({ input: 100, output: 20, calls: 1, suppressed: 1 })
  })

  it('count beside calls that say nothing, which stay as many as they are', async () => {
    await using recorded = recordSpans()
    const { runId } = await wrapAgent('planner', (run) => {
      run.setUsage({ inputTokens: 500, costUsd: 0.1 })
      emitSpans([operation('chat'), operation('chat')])
    })
    expect(numbersOn(recorded.root(runId).attributes)).toEqual({ input: 500, calls: 2 })
    expect(recorded.root(runId).attributes['runspan.cost.source']).toBe('reported')
  })

  it('count once where a specialist and the run both report', async () => {
    await using recorded = recordSpans()
    const { runId } = await wrapAgent('planner', (run) => {
      withSpan('specialist', (span) => span.setUsage({ inputTokens: 40 }), { type: 'agent' })
      run.setUsage({ inputTokens: 500 })
    })
    expect(numbersOn(recorded.root(runId).attributes)).toEqual({ input: 40, calls: 1, suppressed: 1 })
    expect(numbersOn(recorded.attributes('invoke_agent specialist'))).toEqual({ input: 40, calls: 1 })
  })

  it('never stand under gen_ai.usage, which backends add up over spans', async () => {
    await using recorded = recordSpans()
    await wrapAgent('planner', (run) => {
      run.setUsage({ inputTokens: 500, outputTokens: 60 })
      withSpan('specialist', (span) => span.setUsage({ inputTokens: 40 }), { type: 'agent' })
      emitSpans([chat(100, 20)])
    })
    const carriers = recorded.all.filter((span) =>
      Object.keys(span.attributes).some((key) => key.startsWith('gen_ai.usage.')),
    )
    expect(carriers.map((span) => span.name)).toEqual(['chat'])
  })
})
