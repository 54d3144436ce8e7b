import { SpanStatusCode, context, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { RunRollupProcessor, llm, startRun, withSpan, wrapAgent, type RunTotals } from '../../src/index.ts'
import { chat, emitInOrder, emitSpans, operation, startForeign, usage } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const model = (name: string, provider = 'openai') => ({
  'gen_ai.request.model': name,
  'gen_ai.provider.name': provider,
})

const toolCall = (name: string, failed = false) =>
  operation('execute_tool', {
    attributes: { 'gen_ai.tool.name': name, ...(failed && { 'error.type': 'ENOENT' }) },
    failed,
  })

const call = () => emitSpans([chat(10, 1, { attributes: model('gpt-5') })])

function json(value: unknown): unknown {
  return JSON.parse(value as string)
}

describe('detail', () => {
  it('is kept only where it is asked for', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId, ended } = await wrapAgent('planner', () => emitSpans([chat(1)]))
    expect((await ended).totals).not.toHaveProperty('detail')
    expect(Object.keys(spans.root(runId).attributes).filter((key) => key.startsWith('runspan.detail'))).toEqual([])
  })

  it('tells the sums by operation, provider and model apart, and they add up to the totals', async () => {
    await using spans = recordSpans({
      rollup: { detail: ['models'], prices: ({ model: name }) => (name === 'gpt-5' ? 0.5 : undefined) },
    })
    let totals: RunTotals | undefined
    const { runId } = await wrapAgent(
      'planner',
      () =>
        emitSpans([
          chat(10, 1, { attributes: model('gpt-5') }),
          chat(20, 2, { attributes: model('gpt-5') }),
          // A nested call of the same kind, which the outer one stands for.
          chat(5, 0, { attributes: model('claude', 'anthropic'), below: [chat(5, 0, { attributes: model('inner') })] }),
          operation('embeddings', { attributes: { ...usage(3), ...model('small') } }),
          operation('chat', { attributes: model('silent'), failed: true }),
        ]),
      { onEnd: (summary) => (totals = summary.totals) },
    )
    const details = { cacheReadInputTokens: 0, cacheWriteInputTokens: 0, reasoningOutputTokens: 0 }
    const one = (
      name: string,
      provider: string,
      operationName: string,
      input: number,
      output: number,
      llmCalls = 1,
    ) => ({
      operation: operationName,
      provider,
      model: name,
      llmCalls,
      inputTokens: input,
      outputTokens: output,
      ...details,
    })
    expect(totals?.detail?.models).toEqual([
      { ...one('gpt-5', 'openai', 'chat', 30, 3, 2), costNanoUsd: 1_000_000_000n },
      { ...one('claude', 'anthropic', 'chat', 5, 0), costNanoUsd: undefined },
      { ...one('small', 'openai', 'embeddings', 3, 0), costNanoUsd: undefined },
      { ...one('silent', 'openai', 'chat', 0, 0), costNanoUsd: undefined },
    ])
    expect(totals).toMatchObject({ llmCalls: 5, inputTokens: 38, outputTokens: 3 })
    const written = json(spans.root(runId).attributes['runspan.detail.models'])
    expect(written).toEqual([
      { ...one('gpt-5', 'openai', 'chat', 30, 3, 2), costNanoUsd: 1_000_000_000 },
      one('claude', 'anthropic', 'chat', 5, 0),
      one('small', 'openai', 'embeddings', 3, 0),
      one('silent', 'openai', 'chat', 0, 0),
    ])
  })

  it('tells what the cost was charged for, and the parts add up to it', async () => {
    const prices = {
      model: 'gpt-5',
      inputUsdPerMillionTokens: 1,
      cacheReadUsdPerMillionTokens: 0.1,
      outputUsdPerMillionTokens: 8,
    }
    await using spans = recordSpans({ rollup: { detail: ['costs'], prices: [prices, 'none'] } })
    const { runId, ended } = await wrapAgent('planner', () =>
      emitSpans([
        chat(1000, 100, {
          attributes: {
            ...model('gpt-5'),
            'gen_ai.usage.cache_read.input_tokens': 400,
            'gen_ai.usage.reasoning.output_tokens': 60,
          },
        }),
        // Nested calls: only the outer one is in the parts too.
        chat(1000, 0, { attributes: model('gpt-5'), below: [chat(1000, 0, { attributes: model('gpt-5') })] }),
        chat(5, 5, { attributes: { 'gen_ai.usage.cost': 0.25 } }),
        chat(5, 5, { attributes: model('unknown') }),
      ]),
    )
    const parts = {
      'runspan.cost.input.nano_usd': 1_600_000,
      'runspan.cost.cache_read.nano_usd': 40_000,
      'runspan.cost.output.nano_usd': 320_000,
      'runspan.cost.reasoning.nano_usd': 480_000,
      'runspan.cost.undivided.nano_usd': 250_000_000,
    }
    const { attributes } = spans.root(runId)
    expect(attributes).toMatchObject(parts)
    expect(attributes['runspan.cost.nano_usd']).toBe(Object.values(parts).reduce((a, b) => a + b))
    expect((await ended).totals.detail?.costs).toContainEqual({ bucket: 'cacheRead', nanoUsd: 40_000n })
    expect((await ended).totals.detail).not.toHaveProperty('models')
  })

  it('takes a model out again that was counted in another one’s stead', async () => {
    await using spans = recordSpans({ rollup: { detail: ['models'], prices: 'none' } })
    const run = startRun('planner')
    run.with(() =>
      emitInOrder(
        [
          operation('invoke_workflow', {
            attributes: { ...usage(8), ...model('summary') },
            below: [chat(8, 0, { attributes: model('gpt-5') })],
          }),
        ],
        ['invoke_workflow', 'chat'],
      ),
    )
    expect(run.totals.detail?.models?.map(({ model: name }) => name)).toEqual(['gpt-5'])
    run.end()
    expect(spans.all).toHaveLength(3)
  })

  it('adds up models past 32, tools past 64 and error types past 32 as _OTHER', async () => {
    await using _ = recordSpans({ rollup: { detail: ['models', 'tools', 'errors'], prices: 'none' } })
    const run = startRun('planner')
    run.with(() => {
      for (let index = 0; index < 70; index++) {
        emitSpans([
          chat(1, 0, { attributes: model(`m${index}`) }),
          operation('execute_tool', {
            attributes: { 'gen_ai.tool.name': `t${index}`, 'error.type': `e${index}` },
            failed: true,
          }),
        ])
      }
    })
    const { models, tools, errors } = run.totals.detail!
    expect(models).toHaveLength(33)
    expect(models?.at(-1)).toMatchObject({ model: '_OTHER', llmCalls: 38, inputTokens: 38 })
    expect(tools).toHaveLength(65)
    expect(tools?.at(-1)).toEqual({ name: '_OTHER', calls: 6 })
    expect(errors).toHaveLength(33)
    expect(errors?.at(-1)).toEqual({ type: '_OTHER', count: 38 })
    run.end()
  })

  it('counts tool calls by tool and failures by type, each failure at the innermost span', async () => {
    await using spans = recordSpans({ rollup: { detail: ['tools', 'errors'], prices: 'none' } })
    const { runId } = await wrapAgent('planner', () => {
      emitSpans([
        toolCall('search'),
        toolCall('search'),
        { name: 'step', failed: true, below: [toolCall('read', true)] },
      ])
    })
    const { attributes } = spans.root(runId)
    expect(json(attributes['runspan.detail.tools'])).toEqual([
      { name: 'search', calls: 2 },
      { name: 'read', calls: 1 },
    ])
    expect(json(attributes['runspan.detail.errors'])).toEqual([{ type: 'ENOENT', count: 1 }])
  })

  it('sums the family as far as this process has seen it end, three levels deep', async () => {
    await using spans = recordSpans({ rollup: { detail: ['family'], prices: () => 0.25 } })
    const { runId } = await wrapAgent('planner', async () => {
      call()
      await wrapAgent('executor', async () => {
        call()
        await wrapAgent('critic', call)
      })
      await wrapAgent('executor', call)
    })
    const { attributes } = spans.root(runId)
    expect(attributes).toMatchObject({
      'runspan.usage.input_tokens': 10,
      'runspan.family.runs': 4,
      'runspan.family.input_tokens': 40,
      'runspan.family.output_tokens': 4,
      'runspan.family.cost.nano_usd': 1_000_000_000,
    })
    const critic = spans.all.find((span) => span.name === 'invoke_agent critic' && span.parentSpanContext === undefined)
    expect(critic?.attributes).not.toHaveProperty(['runspan.family.runs'])
  })

  it('is refused where it names nothing that can be kept', () => {
    expect(() => new RunRollupProcessor({ detail: ['prompts' as never] })).toThrow(
      "Failed to configure detail: prompts cannot be used. Pass a list of 'costs', 'models', 'tools', 'errors', 'family'.",
    )
    expect(() => new RunRollupProcessor({ detail: 'models' as never })).toThrow('Failed to configure detail')
  })
})

describe('carried usage', () => {
  it('is flagged where a container claims more than was counted below it, once', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () =>
      emitSpans([
        operation('invoke_workflow', {
          attributes: usage(150),
          below: [operation('invoke_agent', { attributes: usage(150), below: [chat(50), chat(50)] })],
        }),
      ]),
    )
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 100,
      'runspan.rollup.carried_usage': 50,
    })
  })

  it('is not flagged where something below says nothing of its usage, or has not ended', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner')
    run.with(() => {
      emitSpans([operation('invoke_workflow', { attributes: usage(60), below: [chat(50), operation('chat')] })])
      emitInOrder(
        [
          operation('plan', {
            attributes: usage(60),
            below: [{ name: 'step', below: [chat(10)] }, chat(50, 0, { name: 'call' })],
          }),
        ],
        ['call', 'step', 'plan', 'chat'],
      )
    })
    run.end()
    expect(spans.root(run.runId).attributes).not.toHaveProperty(['runspan.rollup.carried_usage'])
    expect(spans.root(run.runId).attributes['runspan.usage.input_tokens']).toBe(110)
  })
})

describe('progress', () => {
  it('shows events, results, retries and the latest end while the run goes on', async () => {
    await using _ = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner')
    expect(run.progress).toMatchObject({ spans: 0, lastEndUnixMillis: undefined, timeToFirstChunkMillis: undefined })
    run.with(() => {
      withSpan('step', (span) => span.event('loaded').event('parsed'))
      emitSpans([
        operation('execute_tool'),
        operation('execute_tool', { failed: true }),
        { name: 'POST', attributes: { 'http.request.resend_count': 1 } },
        chat(1),
      ])
    })
    const { lastEndUnixMillis, ...progress } = run.progress
    expect(progress).toEqual({
      spans: 5,
      events: 2,
      llmCalls: 1,
      toolCalls: 2,
      toolResults: 1,
      retries: 1,
      timeToFirstChunkMillis: undefined,
    })
    expect(Math.abs(lastEndUnixMillis! - Date.now())).toBeLessThan(5000)
    run.end()
  })

  it('knows when the first model streamed its first chunk, and writes it onto the root', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner')
    const root = run.with(() => trace.getSpan(context.active())) as unknown as { startTime: [number, number] }
    const [seconds, nanos] = root.startTime
    run.with(() => {
      const tracer = trace.getTracer('foreign')
      for (const [start, attributes] of [
        [3, { 'gen_ai.response.time_to_first_chunk': 0.25 }],
        [2, { 'ai.response.msToFirstChunk': 500 }],
      ] as const) {
        tracer.startSpan('chat', { startTime: [seconds + start, nanos], attributes }).end()
      }
    })
    expect(run.progress.timeToFirstChunkMillis).toBeCloseTo(2500, 3)
    run.end()
    expect(spans.root(run.runId).attributes['runspan.time_to_first_chunk']).toBeCloseTo(2.5, 6)
  })

  it('measures the first chunk of a stream that llm() returns', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const stream = llm('answer', async function* () {
      yield 'a'
      yield 'b'
    })
    const { runId, ended } = await wrapAgent('planner', async () => {
      for await (const chunk of stream()) void chunk
    })
    await ended
    const seconds = spans.span('chat answer').attributes['gen_ai.response.time_to_first_chunk'] as number
    expect(seconds).toBeGreaterThanOrEqual(0)
    expect(seconds).toBeLessThan(5)
    expect(spans.root(runId).attributes['runspan.time_to_first_chunk']).toBeGreaterThanOrEqual(seconds)
  })

  it('is nothing where no processor watches', async () => {
    await using _ = recordSpans({ rollup: 'none' })
    const run = startRun('planner')
    emitSpans([chat(1)])
    expect(run.progress).toMatchObject({ spans: 0, llmCalls: 0 })
    run.end()
  })
})

it('an error type that nobody wrote is _OTHER', async () => {
  await using _ = recordSpans({ rollup: { detail: ['errors'], prices: 'none' } })
  const run = startRun('planner')
  run.with(() => {
    const span = startForeign({ name: 'step' })
    span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  })
  expect(run.totals.detail?.errors).toEqual([{ type: '_OTHER', count: 1 }])
  run.end()
})
