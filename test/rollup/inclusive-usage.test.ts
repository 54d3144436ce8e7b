/**
 * Input with its cached parts, and output with its reasoning, whoever wrote the span. Keys, values and scopes are those
 * of the published packages named in each test.
 */
import type { Attributes } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { readSpan } from '../../src/rollup/read-span.ts'

interface Numbers {
  readonly input: number
  readonly output: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly reasoning?: number
}

function numbersOf(attributes: Attributes, scopeName = 'some-tracer', name = 'chat'): Numbers {
  const facts = readSpan(name, attributes, scopeName)
  return {
    input: facts.inputTokens,
    output: facts.outputTokens,
    cacheRead: facts.cacheReadInputTokens,
    cacheWrite: facts.cacheWriteInputTokens,
    reasoning: facts.reasoningOutputTokens,
  }
}

function chatWith(usage: Attributes): Attributes {
  return { 'gen_ai.operation.name': 'chat', ...usage }
}

function tierOf(attributes: Attributes): string | undefined {
  return readSpan('chat', attributes, 'scope').details?.serviceTier
}

/** Anthropic's own numbers: 100 plain, 40 written, 30 read, 20 out. Few enough cached that only the producer tells. */
const billed = { input: 170, output: 20, cacheRead: 30, cacheWrite: 40, reasoning: 0 }

describe('producers that pass on input without its cached parts', () => {
  it('are known: Traceloop for Anthropic 0.27', () => {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.response.model': 'claude-sonnet-4-5',
      'gen_ai.usage.total_tokens': 120,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.cache_creation.input_tokens': 40,
      'gen_ai.usage.cache_read.input_tokens': 30,
    }
    expect(numbersOf(attributes, '@traceloop/instrumentation-anthropic')).toEqual(billed)
    // The conventions' own meaning of the same keys.
    expect(numbersOf(attributes)).toEqual({ ...billed, input: 100 })
  })

  it('are known: OpenInference for Bedrock 0.5', () => {
    const attributes = {
      'openinference.span.kind': 'LLM',
      'llm.provider': 'aws',
      'llm.model_name': 'anthropic.claude-sonnet-4-5-20250929-v1:0',
      'llm.token_count.prompt': 100,
      'llm.token_count.completion': 20,
      'llm.token_count.prompt_details.cache_write': 40,
      'llm.token_count.prompt_details.cache_read': 30,
    }
    expect(numbersOf(attributes, '@arizeai/openinference-instrumentation-bedrock')).toEqual(billed)
  })

  it('are known: Strands 1.16 with models of Anthropic, and not with those of OpenAI', () => {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.system': 'strands-agents',
      'gen_ai.request.model': 'claude-sonnet-4-5',
      'gen_ai.usage.prompt_tokens': 100,
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.completion_tokens': 20,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.total_tokens': 120,
      'gen_ai.usage.cache_read.input_tokens': 30,
      'gen_ai.usage.cache_read_input_tokens': 30,
      'gen_ai.usage.cache_creation.input_tokens': 40,
      'gen_ai.usage.cache_write_input_tokens': 40,
    }
    expect(numbersOf(attributes, 'strands-agents')).toEqual(billed)
    const bedrock = { ...attributes, 'gen_ai.request.model': 'global.anthropic.claude-sonnet-4-6' }
    expect(numbersOf(bedrock, 'strands-agents')).toEqual(billed)
    const openai = { ...attributes, 'gen_ai.request.model': 'gpt-5' }
    expect(numbersOf(openai, 'strands-agents')).toEqual({ ...billed, input: 100 })
  })

  it('are known: the AI SDK 5 with Anthropic and Bedrock, streamed, and not with OpenAI', () => {
    const attributes = {
      'ai.operationId': 'ai.streamText.doStream',
      'ai.model.provider': 'anthropic.messages',
      'ai.usage.inputTokens': 100,
      'ai.usage.outputTokens': 20,
      'ai.usage.totalTokens': 120,
      'ai.usage.cachedInputTokens': 30,
      'gen_ai.system': 'anthropic.messages',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 20,
    }
    const withoutWrites = { ...billed, input: 130, cacheWrite: 0 }
    expect(numbersOf(attributes)).toEqual(withoutWrites)
    for (const provider of ['amazon-bedrock', 'vertex.anthropic.messages']) {
      expect(numbersOf({ ...attributes, 'gen_ai.system': provider })).toEqual(withoutWrites)
    }
    expect(numbersOf({ ...attributes, 'gen_ai.system': 'openai.responses' })).toEqual({ ...withoutWrites, input: 100 })
  })

  it('are told what the AI SDK passes on beside its usage, in calls that were not streamed', () => {
    const attributes = {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.usage.promptTokens': 100,
      'ai.usage.completionTokens': 20,
      'gen_ai.system': 'anthropic.messages',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 20,
      'ai.response.providerMetadata': JSON.stringify({
        anthropic: {
          usage: {
            input_tokens: 100,
            cache_creation_input_tokens: 40,
            cache_read_input_tokens: 30,
            cache_creation: { ephemeral_5m_input_tokens: 15, ephemeral_1h_input_tokens: 25 },
            output_tokens: 20,
            service_tier: 'standard',
          },
          cacheCreationInputTokens: 40,
          stopSequence: null,
        },
      }),
    }
    expect(numbersOf(attributes)).toEqual(billed)
    expect(readSpan('chat', attributes, 'ai').details).toMatchObject({ cacheWrite1hInputTokens: 25 })
    const bedrock = {
      ...attributes,
      'gen_ai.system': 'amazon-bedrock',
      'ai.response.providerMetadata': JSON.stringify({ bedrock: { usage: { cacheWriteInputTokens: 40 } } }),
    }
    expect(numbersOf(bedrock)).toEqual({ ...billed, input: 140, cacheRead: 0 })
  })
})

describe('producers that include cached input, as the conventions have it', () => {
  it.each([
    [
      'OpenInference for Anthropic 0.2',
      '@arizeai/openinference-instrumentation-anthropic',
      {
        'openinference.span.kind': 'LLM',
        'llm.provider': 'anthropic',
        'llm.token_count.prompt': 170,
        'llm.token_count.completion': 20,
        'llm.token_count.total': 190,
        'llm.token_count.prompt_details.cache_write': 40,
        'llm.token_count.prompt_details.cache_read': 30,
      },
    ],
    [
      'the AI SDK 6 with Anthropic',
      'ai',
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'gen_ai.system': 'anthropic.messages',
        'ai.usage.inputTokens': 170,
        'ai.usage.inputTokenDetails.noCacheTokens': 100,
        'ai.usage.inputTokenDetails.cacheReadTokens': 30,
        'ai.usage.inputTokenDetails.cacheWriteTokens': 40,
        'ai.usage.outputTokens': 20,
        'ai.usage.totalTokens': 190,
        'ai.usage.cachedInputTokens': 30,
        'gen_ai.usage.input_tokens': 170,
        'gen_ai.usage.output_tokens': 20,
      },
    ],
    [
      'the AI SDK 7 with Anthropic',
      'gen_ai',
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.usage.input_tokens': 170,
        'gen_ai.usage.output_tokens': 20,
        'gen_ai.usage.cache_read.input_tokens': 30,
        'gen_ai.usage.cache_creation.input_tokens': 40,
      },
    ],
    [
      'Mastra 1.4',
      '@mastra/otel-exporter',
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.usage.input_tokens': 170,
        'gen_ai.usage.output_tokens': 20,
        'gen_ai.usage.cache_read.input_tokens': 30,
        'gen_ai.usage.cache_creation.input_tokens': 40,
        'gen_ai.usage.cache_creation.5m_input_tokens': 15,
        'gen_ai.usage.cache_creation.1h_input_tokens': 25,
      },
    ],
  ])('are taken at their word: %s', (_producer, scopeName, attributes) => {
    expect(numbersOf(attributes, scopeName)).toEqual(billed)
  })
})

describe('numbers that cannot be inclusive', () => {
  it('have their cached part added: more cached than input', () => {
    expect(
      numbersOf(
        chatWith({
          'gen_ai.usage.input_tokens': 21,
          'gen_ai.usage.output_tokens': 3,
          'gen_ai.usage.cache_read.input_tokens': 188_086,
        }),
      ),
    ).toMatchObject({ input: 188_107, cacheRead: 188_086 })
  })

  it('have it added where their total says so, as Sentry and Bedrock count', () => {
    const usage = {
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.cache_read_input_tokens': 30,
      'gen_ai.usage.cache_creation_input_tokens': 40,
    }
    expect(numbersOf(chatWith({ ...usage, 'gen_ai.usage.total_tokens': 190 }))).toEqual(billed)
    expect(numbersOf(chatWith({ ...usage, 'gen_ai.usage.total_tokens': 120 }))).toEqual({ ...billed, input: 100 })
  })

  it('are an error of the provider where it is OpenAI, and nothing is added', () => {
    const usage = { 'gen_ai.usage.input_tokens': 5_136, 'gen_ai.usage.cache_read.input_tokens': 10_192 }
    expect(numbersOf(chatWith({ ...usage, 'gen_ai.provider.name': 'openai' }))).toMatchObject({ input: 5_136 })
    expect(numbersOf(chatWith(usage))).toMatchObject({ input: 15_328 })
  })
})

describe('reasoning', () => {
  it('is added to the output where more of it is said than output, or the total says so', () => {
    // The AI SDK 5 with Google: candidates and thoughts side by side.
    const google = {
      'ai.operationId': 'ai.streamText.doStream',
      'gen_ai.system': 'google.generative-ai',
      'ai.usage.inputTokens': 10,
      'ai.usage.outputTokens': 50,
      'ai.usage.reasoningTokens': 30,
      'ai.usage.totalTokens': 90,
    }
    expect(numbersOf(google)).toMatchObject({ output: 80, reasoning: 30 })
    expect(numbersOf({ ...google, 'ai.usage.totalTokens': 60 })).toMatchObject({ output: 50, reasoning: 30 })
    expect(numbersOf({ ...google, 'ai.usage.totalTokens': 60, 'ai.usage.reasoningTokens': 70 })).toMatchObject({
      output: 120,
    })
  })

  it("is in Google's own numbers, which the AI SDK passes on", () => {
    const attributes = {
      'ai.operationId': 'ai.generateText.doGenerate',
      'gen_ai.system': 'google.generative-ai',
      'ai.usage.promptTokens': 10,
      'ai.usage.completionTokens': 50,
      'ai.response.providerMetadata': JSON.stringify({
        google: {
          groundingMetadata: null,
          usageMetadata: {
            promptTokenCount: 10,
            candidatesTokenCount: 50,
            thoughtsTokenCount: 30,
            totalTokenCount: 90,
            trafficType: 'ON_DEMAND_FLEX',
          },
        },
      }),
    }
    expect(numbersOf(attributes)).toMatchObject({ input: 10, output: 80, reasoning: 30 })
    expect(readSpan('chat', attributes, 'ai').details?.serviceTier).toBe('flex')
    // A container has what its last step said.
    const container = { ...attributes, 'ai.operationId': 'ai.generateText' }
    expect(numbersOf(container)).toMatchObject({ input: 10, output: 50, reasoning: 0 })
  })
})

describe('maps of usage', () => {
  it('are buckets with Langfuse: what is beside the input is added to it', () => {
    // @langfuse/openai 5.11 of 100 prompt tokens, 60 cached and 10 audio; 50 completion tokens, 20 of them reasoning.
    const openai = {
      input: 30,
      output: 30,
      total: 150,
      input_cached_tokens: 60,
      input_audio_tokens: 10,
      output_reasoning_tokens: 20,
      output_audio_tokens: 0,
    }
    const written = { 'langfuse.observation.type': 'generation' }
    const of = (map: object): Attributes => ({
      ...written,
      'langfuse.observation.usage_details': JSON.stringify(map),
    })
    expect(numbersOf(of(openai))).toEqual({ input: 100, output: 50, cacheRead: 60, cacheWrite: 0, reasoning: 20 })
    expect(readSpan('chat', of(openai), 'langfuse-sdk').details).toMatchObject({ audioInputTokens: 10 })
    // @langfuse/langchain 5.11, and what Langfuse documents for Anthropic.
    const langchain = { input: 100, output: 20, total: 190, input_cache_read: 30, input_cache_creation: 40 }
    expect(numbersOf(of(langchain))).toEqual(billed)
    const documented = { input: 100, output: 20, cache_read_input_tokens: 30, cache_creation_input_tokens: 40 }
    expect(numbersOf(of(documented))).toEqual(billed)
    // A total that leaves no room for them.
    const inclusive = { input: 170, output: 20, total: 190, input_cached_tokens: 30 }
    expect(numbersOf(of(inclusive))).toMatchObject({ input: 170, cacheRead: 30 })
  })

  it('have their details inside with LangSmith, beside plain keys too', () => {
    const map = {
      input_tokens: 170,
      output_tokens: 20,
      total_tokens: 190,
      input_token_details: { cache_read: 30, ephemeral_5m_input_tokens: 15, ephemeral_1hr_input_tokens: 25, audio: 3 },
      output_token_details: { reasoning: 5, audio: 2 },
    }
    const attributes = {
      'langsmith.span.kind': 'llm',
      'gen_ai.usage.input_tokens': 170,
      'gen_ai.usage.output_tokens': 20,
      'langsmith.usage_metadata': JSON.stringify(map),
    }
    expect(numbersOf(attributes)).toEqual({ ...billed, reasoning: 5 })
    expect(readSpan('chat', attributes, 'langsmith').details).toMatchObject({
      cacheWrite1hInputTokens: 25,
      audioInputTokens: 3,
      audioOutputTokens: 2,
    })
    // LangChain's own: the whole of the writes.
    const langchain = { ...map, input_token_details: { cache_read: 30, cache_creation: 40 } }
    expect(numbersOf({ 'langsmith.usage_metadata': JSON.stringify(langchain) })).toEqual({ ...billed, reasoning: 5 })
  })
})

describe('what few spans say', () => {
  it.each([
    ['runspan.call.cache_write_1h.input_tokens', 'cacheWrite1hInputTokens'],
    ['gen_ai.usage.cache_creation.1h_input_tokens', 'cacheWrite1hInputTokens'],
    ['anthropic.usage.cache_creation.ephemeral_1h_input_tokens', 'cacheWrite1hInputTokens'],
    ['gen_ai.usage.audio.input_tokens', 'audioInputTokens'],
    ['gen_ai.usage.audio_input_tokens', 'audioInputTokens'],
    ['llm.token_count.prompt_details.audio', 'audioInputTokens'],
    ['gen_ai.usage.audio.cache_read.input_tokens', 'audioCacheReadInputTokens'],
    ['gen_ai.usage.audio.output_tokens', 'audioOutputTokens'],
    ['gen_ai.usage.audio_output_tokens', 'audioOutputTokens'],
    ['llm.token_count.completion_details.audio', 'audioOutputTokens'],
    ['gen_ai.usage.image.input_tokens', 'imageInputTokens'],
    ['gen_ai.usage.image.cache_read.input_tokens', 'imageCacheReadInputTokens'],
    ['gen_ai.usage.image.output_tokens', 'imageOutputTokens'],
  ])('is read from %s', (key, name) => {
    expect(readSpan('chat', { [key]: 7 }, 'scope').details).toMatchObject({ [name]: 7 })
    expect(readSpan('chat', { [key]: 0 }, 'scope').details).toBeUndefined()
  })

  it('is the tier that answered before the one that was asked for, and nothing of the standard one', () => {
    const asked = { 'openai.request.service_tier': 'priority' }
    expect(tierOf(asked)).toBe('priority')
    expect(tierOf({ ...asked, 'openai.response.service_tier': 'default' })).toBeUndefined()
    expect(tierOf({ ...asked, 'gen_ai.openai.response.service_tier': 'flex' })).toBe('flex')
    expect(tierOf({ 'openai.response.service_tier': 'flex', 'runspan.call.service_tier': 'batch' })).toBe('batch')
    expect(tierOf({ 'openai.response.service_tier': 7 })).toBeUndefined()
  })

  it.each([
    '{',
    'null',
    '7',
    '{"anthropic":7}',
    '{"anthropic":{"usage":null}}',
    `{"a":{"usage":"${'x'.repeat(70_000)}"}}`,
  ])('is nothing where what the provider said cannot be read: %.40s', (json) => {
    const attributes = { 'gen_ai.usage.input_tokens': 5, 'ai.response.providerMetadata': json }
    expect(numbersOf({ 'ai.operationId': 'ai.generateText.doGenerate', ...attributes })).toMatchObject({ input: 5 })
  })
})
