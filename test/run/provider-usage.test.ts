import { simulateReadableStream, streamText, generateText, stepCountIs, tool as aiTool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { llm, wrapAgent } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'

const keys = {
  in: 'gen_ai.usage.input_tokens',
  out: 'gen_ai.usage.output_tokens',
  read: 'gen_ai.usage.cache_read.input_tokens',
  write: 'gen_ai.usage.cache_write.input_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
  cost: 'runspan.call.cost.nano_usd',
  model: 'gen_ai.response.model',
  id: 'gen_ai.response.id',
  finish: 'gen_ai.response.finish_reasons',
}

/** What the one model call of a test says about itself. */
function reported(spans: RecordedSpans): Record<string, unknown> {
  const { attributes } = spans.span('chat answer')
  return Object.fromEntries(
    Object.entries(keys)
      .map(([label, key]) => [label, attributes[key]])
      .filter(([, value]) => value !== undefined),
  )
}

async function usageOf(answer: unknown): Promise<Record<string, unknown>> {
  await using spans = recordSpans({ rollup: 'none' })
  const given = await llm('answer', () => Promise.resolve(answer))()
  expect(given).toBe(answer)
  return reported(spans)
}

async function usageOfStream(chunks: readonly unknown[]): Promise<Record<string, unknown>> {
  await using spans = recordSpans({ rollup: 'none' })
  const stream = llm('answer', async function* () {
    yield* chunks
  })()
  const seen = []
  for await (const chunk of stream) seen.push(chunk)
  expect(seen).toEqual(chunks)
  return reported(spans)
}

describe('usage of a model client’s answer', () => {
  it('is read from OpenAI chat completions', async () => {
    expect(
      await usageOf({
        id: 'chatcmpl-1',
        model: 'gpt-x-2026',
        choices: [{ finish_reason: 'stop' }, { finish_reason: 'length' }],
        usage: {
          prompt_tokens: 100,
          completion_tokens: 30,
          total_tokens: 130,
          prompt_tokens_details: { cached_tokens: 60 },
          completion_tokens_details: { reasoning_tokens: 20 },
        },
      }),
    ).toEqual({
      in: 100,
      out: 30,
      read: 60,
      reasoning: 20,
      model: 'gpt-x-2026',
      id: 'chatcmpl-1',
      finish: ['stop', 'length'],
    })
  })

  it('is read from OpenAI responses', async () => {
    expect(
      await usageOf({
        id: 'resp-1',
        model: 'gpt-x',
        status: 'completed',
        usage: {
          input_tokens: 100,
          output_tokens: 30,
          input_tokens_details: { cached_tokens: 60 },
          output_tokens_details: { reasoning_tokens: 20 },
        },
      }),
    ).toEqual({ in: 100, out: 30, read: 60, reasoning: 20, model: 'gpt-x', id: 'resp-1' })
  })

  it('is read from Anthropic messages, whose cached input stands beside the input', async () => {
    expect(
      await usageOf({
        id: 'msg-1',
        type: 'message',
        model: 'claude-x',
        stop_reason: 'end_turn',
        usage: { input_tokens: 10, cache_read_input_tokens: 60, cache_creation_input_tokens: 30, output_tokens: 7 },
      }),
    ).toEqual({ in: 100, out: 7, read: 60, write: 30, model: 'claude-x', id: 'msg-1', finish: ['end_turn'] })
  })

  it('is read from Google, whose thoughts stand beside the output', async () => {
    expect(
      await usageOf({
        responseId: 'g-1',
        modelVersion: 'gemini-x',
        candidates: [{ finishReason: 'STOP' }],
        usageMetadata: {
          promptTokenCount: 100,
          toolUsePromptTokenCount: 5,
          candidatesTokenCount: 30,
          thoughtsTokenCount: 12,
          cachedContentTokenCount: 60,
        },
      }),
    ).toEqual({ in: 105, out: 42, read: 60, reasoning: 12, model: 'gemini-x', id: 'g-1', finish: ['STOP'] })
  })

  it('is read with the cost that a gateway reports', async () => {
    expect(await usageOf({ usage: { prompt_tokens: 10, completion_tokens: 1, cost: 0.0025 } })).toEqual({
      in: 10,
      out: 1,
      cost: 2_500_000,
    })
  })

  it('is left out where there is none, and survives answers that fight back', async () => {
    expect(await usageOf('text')).toEqual({})
    expect(await usageOf(null)).toEqual({})
    expect(await usageOf({ usage: null })).toEqual({})
    expect(await usageOf({ usage: { prompt_tokens: 'many' } })).toEqual({})
    expect(await usageOf({ usage: 7, usageMetadata: 'x', message: null })).toEqual({})
    const hostile = {
      get usage(): never {
        throw new Error('no')
      },
    }
    expect(await usageOf(hostile)).toEqual({})
  })
})

describe('usage of a stream', () => {
  it('is read from the last chunk of OpenAI chat completions', async () => {
    expect(
      await usageOfStream([
        { id: 'chatcmpl-1', model: 'gpt-x', choices: [{ delta: { content: 'a' } }], usage: null },
        { id: 'chatcmpl-1', model: 'gpt-x', choices: [{ delta: {}, finish_reason: 'stop' }], usage: null },
        { id: 'chatcmpl-1', model: 'gpt-x', choices: [], usage: { prompt_tokens: 10, completion_tokens: 2 } },
      ]),
    ).toEqual({ in: 10, out: 2, model: 'gpt-x', id: 'chatcmpl-1' })
  })

  it('is read from response.completed of OpenAI responses', async () => {
    expect(
      await usageOfStream([
        { type: 'response.created', response: { id: 'resp-1', model: 'gpt-x', usage: null } },
        { type: 'response.output_text.delta', delta: 'a' },
        {
          type: 'response.completed',
          response: { id: 'resp-1', model: 'gpt-x', usage: { input_tokens: 10, output_tokens: 2 } },
        },
      ]),
    ).toEqual({ in: 10, out: 2, model: 'gpt-x', id: 'resp-1' })
  })

  it('is added up from message_start and message_delta of Anthropic', async () => {
    const start = {
      type: 'message_start',
      message: {
        id: 'msg-1',
        model: 'claude-x',
        usage: { input_tokens: 10, cache_read_input_tokens: 60, cache_creation_input_tokens: 30, output_tokens: 1 },
      },
    }
    expect(
      await usageOfStream([
        start,
        { type: 'content_block_delta', delta: { type: 'text_delta', text: 'a' } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } },
        { type: 'message_stop' },
      ]),
    ).toEqual({ in: 100, out: 15, read: 60, write: 30, model: 'claude-x', id: 'msg-1', finish: ['end_turn'] })
    // Newer ones repeat the input, which is cumulative: it replaces, and cached input stays beside it.
    expect(
      await usageOfStream([
        start,
        {
          type: 'message_delta',
          delta: { stop_reason: 'end_turn' },
          usage: { input_tokens: 10, cache_read_input_tokens: 60, cache_creation_input_tokens: 30, output_tokens: 15 },
        },
      ]),
    ).toMatchObject({ in: 100, out: 15, read: 60, write: 30 })
    expect(
      await usageOfStream([
        start,
        { type: 'message_delta', delta: {}, usage: { input_tokens: 10, output_tokens: 15 } },
      ]),
    ).toMatchObject({ in: 100, out: 15, read: 60, write: 30 })
  })

  it('is read from the cumulative chunks of Google', async () => {
    expect(
      await usageOfStream([
        { modelVersion: 'gemini-x', usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1 } },
        {
          modelVersion: 'gemini-x',
          candidates: [{ finishReason: 'STOP' }],
          usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 8, thoughtsTokenCount: 2 },
        },
      ]),
    ).toEqual({ in: 10, out: 10, reasoning: 2, model: 'gemini-x', finish: ['STOP'] })
  })

  it('is what was read so far where the consumer stops', async () => {
    await using spans = recordSpans({ rollup: 'none' })
    const stream = llm('answer', async function* () {
      yield { usage: { prompt_tokens: 10, completion_tokens: 1 } }
      yield { usage: { prompt_tokens: 10, completion_tokens: 9 } }
    })()
    for await (const _ of stream) break
    expect(reported(spans)).toEqual({ in: 10, out: 1 })
    expect(spans.attributes('chat answer')['runspan.end_reason']).toBe('consumer_stopped')
  })
})

const finish = (unified: 'stop' | 'tool-calls') => ({ unified, raw: unified })

describe('usage of the AI SDK', () => {
  const usage = {
    inputTokens: { total: 100, noCache: 40, cacheRead: 60, cacheWrite: 0 },
    outputTokens: { total: 30, text: 10, reasoning: 20 },
  }
  const search = aiTool({
    inputSchema: z.object({ q: z.string() }),
    execute: ({ q }) => Promise.resolve(`found ${q}`),
  })
  const call = { type: 'tool-call' as const, toolCallId: 'c-1', toolName: 'search', input: '{"q":"rows"}' }

  function twoSteps(): MockLanguageModelV4 {
    return new MockLanguageModelV4({
      modelId: 'mock-model',
      doGenerate: [
        { content: [call], finishReason: finish('tool-calls'), usage, warnings: [] },
        { content: [{ type: 'text', text: 'done' }], finishReason: finish('stop'), usage, warnings: [] },
      ],
      doStream: [
        {
          stream: simulateReadableStream({
            chunks: [call, { type: 'finish', finishReason: finish('tool-calls'), usage }],
          }),
        },
        {
          stream: simulateReadableStream({
            chunks: [
              { type: 'text-start', id: '1' },
              { type: 'text-delta', id: '1', delta: 'done' },
              { type: 'text-end', id: '1' },
              { type: 'finish', finishReason: finish('stop'), usage },
            ],
          }),
        },
      ],
    })
  }
  const settings = { tools: { search }, prompt: 'rows?', stopWhen: stepCountIs(3) }
  const bothSteps = { in: 200, out: 60, read: 120, reasoning: 40 }

  it('is the sum over the steps of generateText', async () => {
    await using spans = recordSpans()
    const { text } = await llm('answer', () => generateText({ model: twoSteps(), ...settings }))()
    expect(text).toBe('done')
    expect(reported(spans)).toMatchObject(bothSteps)
  })

  it('is the sum over the steps of streamText', async () => {
    await using spans = recordSpans()
    const result = llm('answer', () => streamText({ model: twoSteps(), ...settings }))()
    await result.consumeStream()
    expect(await result.text).toBe('done')
    expect(reported(spans)).toMatchObject(bothSteps)
  })
})

describe('extractUsage', () => {
  it('reads answers of an unknown shape, and wins over what was read', async () => {
    await using spans = recordSpans({ rollup: 'none' })
    const answer = { words: 7, usage: { prompt_tokens: 1, completion_tokens: 2 } }
    const ask = llm('answer', () => Promise.resolve(answer), {
      extractUsage: (result) => ({ inputTokens: result.words, costUsd: 0.5 }),
    })
    await ask()
    expect(reported(spans)).toEqual({ in: 7, out: 2, cost: 500_000_000 })
  })

  it('may throw: counted, and the answer arrives', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const ask = llm('answer', () => 'text', {
      extractUsage: () => {
        throw new Error('odd')
      },
    })
    const { result } = await wrapAgent('planner', () => ask())
    expect(result).toBe('text')
    expect(counts()).toMatchObject({ callbackErrors: 1 })
    expect(spans.all).toHaveLength(2)
  })
})
