import { LegacyOpenTelemetry, OpenTelemetry } from '@ai-sdk/otel'
import { embedMany, generateText, isStepCount, streamText, tool as aiTool, type Telemetry } from 'ai'
import { MockEmbeddingModelV4, MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { tool, wrapAgent } from '../../src/index.ts'
import { emitSpans, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

const usage = {
  inputTokens: { total: 100, noCache: 60, cacheRead: 40, cacheWrite: 0 },
  outputTokens: { total: 50, text: 50, reasoning: 0 },
}

/** A model that asks for one search and then answers; each call costs 100 + 50 tokens. */
function searchingModel(): MockLanguageModelV4 {
  const call = { type: 'tool-call', toolCallId: 't-1', toolName: 'search', input: '{"query":"otel"}' } as const
  const answers = [
    { content: [call], finishReason: { unified: 'tool-calls', raw: undefined }, usage, warnings: [] },
    {
      content: [{ type: 'text', text: 'found' }],
      finishReason: { unified: 'stop', raw: undefined },
      usage,
      warnings: [],
    },
  ] as const
  return new MockLanguageModelV4({
    provider: 'openai',
    modelId: 'gpt-4o-mini',
    doGenerate: answers.map((answer) => ({ ...answer, content: [...answer.content], warnings: [] })),
  })
}

const search = aiTool({
  inputSchema: z.object({ query: z.string() }),
  execute: tool('search', ({ query }: { query: string }) => `about ${query}`),
})

async function ask(telemetry: Telemetry): Promise<string> {
  const { text } = await generateText({
    model: searchingModel(),
    prompt: 'What is it?',
    tools: { search },
    stopWhen: isStepCount(3),
    telemetry: { isEnabled: true, functionId: 'answerer', integrations: [telemetry] },
  })
  return text
}

const shown = {
  in: 'runspan.usage.input_tokens',
  out: 'runspan.usage.output_tokens',
  calls: 'runspan.calls.llm',
  tools: 'runspan.calls.tool',
  repeats: 'gen_ai.usage.input_tokens',
}

describe('the spans of the AI SDK', () => {
  it('7: invoke_agent repeats the sum of its steps, and the run reports 300 tokens, not 600 (P11)', async () => {
    await using spans = recordSpans()
    const { runId, result } = await wrapAgent('planner', () => ask(new OpenTelemetry()))
    expect(result).toBe('found')
    expectTrace(spans.tree(runId, shown)).toBe(`
      invoke_agent planner           in=200 out=100 calls=2 tools=1
        invoke_agent gpt-4o-mini     in=200 out=100 calls=2 tools=1 repeats=200
          step 1
            chat gpt-4o-mini         repeats=100
            execute_tool search
              execute_tool search
          step 2
            chat gpt-4o-mini         repeats=100
    `)
    const { attributes } = spans.root(runId)
    expect(attributes).toMatchObject({
      'runspan.usage.cache_read.input_tokens': 80,
      'runspan.rollup.suppressed_spans': 1,
      'runspan.cost.source': 'priced',
    })
    const onLeaves = spans.of(runId).map((span) => Number(span.attributes['runspan.call.cost.nano_usd'] ?? 0))
    expect(onLeaves.reduce((a, b) => a + b)).toBe(attributes['runspan.cost.nano_usd'])
  })

  it('6, and the legacy shape of 7: ai.generateText repeats what its doGenerate spans say', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', () => ask(new LegacyOpenTelemetry()))
    expectTrace(spans.tree(runId, shown)).toBe(`
      invoke_agent planner           in=200 out=100 calls=2 tools=1
        ai.generateText
          ai.generateText.doGenerate  repeats=100
            ai.toolCall
              execute_tool search
          ai.generateText.doGenerate  repeats=100
    `)
  })

  it.each([
    ['7', () => new OpenTelemetry()],
    ['6', () => new LegacyOpenTelemetry()],
  ])('%s: of embedMany count the inner calls, whatever the outer one says', async (_version, makeTelemetry) => {
    const telemetry = makeTelemetry()
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const model = new MockEmbeddingModelV4({
      maxEmbeddingsPerCall: 1,
      doEmbed: async () => ({ embeddings: [[1, 2]], usage: { tokens: 7 }, warnings: [] }),
    })
    const { runId } = await wrapAgent('planner', async () => {
      await embedMany({ model, values: ['a', 'b', 'c'], telemetry: { isEnabled: true, integrations: [telemetry] } })
    })
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 21,
      'runspan.calls.llm': 3,
      'runspan.spans': 5,
    })
  })

  it('of a streamed answer count when it has been read, and the run waits for that', async () => {
    await using spans = recordSpans()
    const model = new MockLanguageModelV4({
      provider: 'openai',
      modelId: 'gpt-4o-mini',
      doStream: async () => ({
        stream: simulateReadableStream({
          chunks: [
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'hello' },
            { type: 'text-end', id: '1' },
            { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
          ],
        }),
      }),
    })
    const { result, runId, ended } = await wrapAgent('chat', () =>
      streamText({ model, prompt: 'hi', telemetry: { isEnabled: true, integrations: [new OpenTelemetry()] } }),
    )
    expect(spans.of(runId).filter((span) => span.parentSpanContext === undefined)).toEqual([])
    expect(await result.text).toBe('hello')
    expect(await ended).toMatchObject({
      status: 'completed',
      totals: { inputTokens: 100, llmCalls: 1, complete: true },
    })
    expect(spans.root(runId).attributes).toMatchObject({ 'runspan.usage.input_tokens': 100, 'runspan.calls.llm': 1 })
  })
})

function leaf(id: string, input: number): ForeignSpan {
  return {
    name: id,
    attributes: { 'ai.operationId': id, 'gen_ai.usage.input_tokens': input, 'ai.usage.promptTokens': input },
  }
}

// `ai@5` as it was: its spans are written by hand, because two majors of it do not fit into one test.
describe('the spans of AI SDK 5', () => {
  it('hold the last step alone on generateText and the total on streamText; leaves count', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () =>
      emitSpans([
        {
          name: 'ai.generateText',
          attributes: { 'ai.operationId': 'ai.generateText', 'ai.usage.promptTokens': 20 },
          below: [leaf('ai.generateText.doGenerate', 10), leaf('ai.generateText.doGenerate', 20)],
        },
        {
          name: 'ai.streamText',
          // Traceloop's processor turns the parent's keys into generic ones.
          attributes: { 'ai.operationId': 'ai.streamText', 'gen_ai.usage.input_tokens': 5, 'llm.request.type': 'chat' },
          below: [leaf('ai.streamText.doStream', 5)],
        },
        {
          name: 'ai.embed',
          attributes: { 'ai.operationId': 'ai.embed', 'ai.usage.tokens': 3 },
          below: [
            { name: 'ai.embed.doEmbed', attributes: { 'ai.operationId': 'ai.embed.doEmbed', 'ai.usage.tokens': 3 } },
          ],
        },
      ]),
    )
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 38,
      'runspan.calls.llm': 4,
      'runspan.rollup.suppressed_spans': 3,
    })
  })
})
