/** What few model calls report: audio, images, hour-long cache writes, tiers of service. Shapes are the providers' own. */
import { describe, expect, it } from 'vitest'

import { llm } from '../../src/index.ts'
import { readCallReport } from '../../src/run/provider-usage.ts'
import { recordSpans } from '../support/record-spans.ts'

/** What a report says, without what it leaves out. */
function read(answer: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(readCallReport(answer) ?? {}).filter(([, value]) => value !== undefined))
}

describe('Anthropic', () => {
  const usage = {
    input_tokens: 100,
    cache_creation_input_tokens: 556,
    cache_read_input_tokens: 1_000,
    cache_creation: { ephemeral_5m_input_tokens: 456, ephemeral_1h_input_tokens: 100 },
    output_tokens: 20,
    service_tier: 'standard',
  }

  it('says how much of its cache writes is kept for an hour', () => {
    expect(read({ model: 'claude', usage })).toEqual({
      model: 'claude',
      inputTokens: 1_656,
      outputTokens: 20,
      cacheReadInputTokens: 1_000,
      cacheWriteInputTokens: 556,
      cacheWrite1hInputTokens: 100,
    })
  })

  it('says which tier answered, fast mode among them, and nothing of the standard one', () => {
    expect(read({ usage: { ...usage, service_tier: 'batch' } })).toMatchObject({ serviceTier: 'batch' })
    expect(read({ usage: { ...usage, service_tier: 'priority' } })).toMatchObject({ serviceTier: 'priority' })
    expect(read({ usage: { ...usage, speed: 'fast' } })).toMatchObject({ serviceTier: 'fast' })
    expect(read({ usage: { ...usage, speed: 'standard' } })).not.toHaveProperty('serviceTier')
  })

  it('says what it thought, as part of the output', () => {
    expect(read({ usage: { ...usage, output_tokens_details: { thinking_tokens: 12 } } })).toMatchObject({
      outputTokens: 20,
      reasoningOutputTokens: 12,
    })
  })

  it('says its tier also where nothing was cached', () => {
    const plain = { input_tokens: 5, output_tokens: 2, cache_read_input_tokens: null, service_tier: 'batch' }
    expect(read({ usage: plain })).toEqual({ inputTokens: 5, outputTokens: 2, serviceTier: 'batch' })
  })

  it('says beside its totals what compacting the context took', () => {
    const iterations = [
      {
        type: 'compaction',
        input_tokens: 180_000,
        output_tokens: 3_500,
        cache_read_input_tokens: 10,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 30 },
      },
      { type: 'message', input_tokens: 100, output_tokens: 20 },
    ]
    expect(read({ usage: { ...usage, iterations } })).toEqual({
      inputTokens: 1_656 + 180_040,
      outputTokens: 3_520,
      cacheReadInputTokens: 1_010,
      cacheWriteInputTokens: 586,
      cacheWrite1hInputTokens: 130,
    })
    expect(read({ usage: { ...usage, iterations: [iterations[1]] } })).toMatchObject({ inputTokens: 1_656 })
  })

  it('says it in the first event of a stream, whose last one keeps it', async () => {
    await using spans = recordSpans({ rollup: 'none' })
    const stream = llm('answer', async function* () {
      yield { type: 'message_start', message: { id: 'msg', model: 'claude', usage } }
      yield { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 77 } }
    })()
    for await (const chunk of stream) expect(chunk).toBeDefined()
    expect(spans.span('chat answer').attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 1_656,
      'gen_ai.usage.output_tokens': 77,
      'gen_ai.usage.cache_write.input_tokens': 556,
      'runspan.call.cache_write_1h.input_tokens': 100,
    })
  })
})

describe('Bedrock', () => {
  it('reports cached input beside the input, with how long it is kept', () => {
    const answer = {
      usage: {
        inputTokens: 4,
        outputTokens: 30,
        totalTokens: 2_034,
        cacheReadInputTokens: 1_500,
        cacheWriteInputTokens: 500,
        cacheDetails: [
          { ttl: '5m', inputTokens: 300 },
          { ttl: '1h', inputTokens: 200 },
        ],
      },
      serviceTier: { type: 'flex' },
    }
    expect(read(answer)).toEqual({
      inputTokens: 2_004,
      outputTokens: 30,
      cacheReadInputTokens: 1_500,
      cacheWriteInputTokens: 500,
      cacheWrite1hInputTokens: 200,
      serviceTier: 'flex',
    })
  })
})

describe('OpenAI', () => {
  it('says how much of a chat was audio, and which tier answered', () => {
    const answer = {
      model: 'gpt-audio',
      service_tier: 'flex',
      usage: {
        prompt_tokens: 500,
        completion_tokens: 300,
        total_tokens: 800,
        prompt_tokens_details: { cached_tokens: 100, audio_tokens: 400 },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 250 },
      },
    }
    expect(read(answer)).toEqual({
      model: 'gpt-audio',
      inputTokens: 500,
      outputTokens: 300,
      cacheReadInputTokens: 100,
      reasoningOutputTokens: 0,
      audioInputTokens: 400,
      audioOutputTokens: 250,
      serviceTier: 'flex',
    })
  })

  it('adds nothing where the details are zero and the tier is the default, as with most calls', () => {
    const answer = {
      service_tier: 'default',
      usage: {
        prompt_tokens: 5,
        completion_tokens: 3,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
      },
    }
    expect(Object.keys(readCallReport(answer) ?? {})).not.toContain('serviceTier')
    expect(Object.keys(readCallReport(answer) ?? {})).not.toContain('audioInputTokens')
  })

  it('says the tier of a response, in its answer and in the last event of its stream', () => {
    const response = { id: 'resp', service_tier: 'priority', usage: { input_tokens: 7, output_tokens: 2 } }
    expect(read(response)).toMatchObject({ inputTokens: 7, serviceTier: 'priority' })
    expect(read({ type: 'response.completed', response })).toMatchObject({ inputTokens: 7, serviceTier: 'priority' })
  })

  it('says in realtime what of each kind was cached', () => {
    const usage = {
      total_tokens: 253,
      input_tokens: 132,
      output_tokens: 121,
      input_token_details: {
        text_tokens: 119,
        audio_tokens: 13,
        image_tokens: 0,
        cached_tokens: 64,
        cached_tokens_details: { text_tokens: 60, audio_tokens: 4, image_tokens: 0 },
      },
      output_token_details: { text_tokens: 30, audio_tokens: 91 },
    }
    expect(read({ type: 'response.done', response: { id: 'resp', usage } })).toEqual({
      responseId: 'resp',
      inputTokens: 132,
      outputTokens: 121,
      cacheReadInputTokens: 64,
      audioInputTokens: 13,
      audioCacheReadInputTokens: 4,
      audioOutputTokens: 91,
    })
  })

  it('counts images that were drawn', () => {
    const usage = {
      input_tokens: 50,
      output_tokens: 1_056,
      input_tokens_details: { text_tokens: 10, image_tokens: 40 },
      output_tokens_details: { text_tokens: 0, image_tokens: 1_056 },
    }
    expect(read({ usage })).toMatchObject({ imageInputTokens: 40, imageOutputTokens: 1_056 })
  })

  it('is spoken by others, who report reasoning beside the output, or cached input under another name', () => {
    const usage = { prompt_tokens: 32, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 100 } }
    // xAI: the total holds all three.
    expect(read({ usage: { ...usage, total_tokens: 141 } })).toMatchObject({
      outputTokens: 109,
      reasoningOutputTokens: 100,
    })
    expect(read({ usage: { ...usage, completion_tokens: 109, total_tokens: 141 } })).toMatchObject({
      outputTokens: 109,
    })
    // DeepSeek
    expect(read({ usage: { prompt_tokens: 32, completion_tokens: 9, prompt_cache_hit_tokens: 20 } })).toMatchObject({
      inputTokens: 32,
      cacheReadInputTokens: 20,
    })
  })
})

describe('Google', () => {
  it('says what of each kind there was, and what of it was cached', () => {
    const usageMetadata = {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      toolUsePromptTokenCount: 50,
      candidatesTokenCount: 80,
      thoughtsTokenCount: 20,
      totalTokenCount: 1_150,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 200 },
        { modality: 'AUDIO', tokenCount: 500 },
        { modality: 'IMAGE', tokenCount: 300 },
      ],
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 400 }],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 80 }],
      toolUsePromptTokensDetails: [{ modality: 'IMAGE', tokenCount: 5 }],
    }
    expect(read({ modelVersion: 'gemini', usageMetadata })).toEqual({
      model: 'gemini',
      inputTokens: 1_050,
      outputTokens: 100,
      cacheReadInputTokens: 400,
      reasoningOutputTokens: 20,
      audioInputTokens: 500,
      audioCacheReadInputTokens: 400,
      imageInputTokens: 305,
      imageOutputTokens: 80,
    })
  })

  it.each([
    [{ trafficType: 'ON_DEMAND' }, undefined],
    [{ trafficType: 'ON_DEMAND_FLEX' }, 'ON_DEMAND_FLEX'],
    [{ trafficType: 'PROVISIONED_THROUGHPUT' }, 'PROVISIONED_THROUGHPUT'],
    [{ serviceTier: 'standard' }, undefined],
    [{ serviceTier: 'flex' }, 'flex'],
  ])('says which tier answered: %j', (tier, serviceTier) => {
    const report = read({ usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, ...tier } })
    expect(report['serviceTier']).toBe(serviceTier)
  })

  it('is counted in live sessions', () => {
    const usageMetadata = {
      promptTokenCount: 10,
      responseTokenCount: 20,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 8 }],
      responseTokensDetails: [{ modality: 'AUDIO', tokenCount: 20 }],
    }
    expect(read({ usageMetadata })).toEqual({
      inputTokens: 10,
      outputTokens: 20,
      audioInputTokens: 8,
      audioOutputTokens: 20,
    })
  })
})

describe('the AI SDK', () => {
  // What version 5 passes on: cached input stands beside the input where the provider says it so.
  const usage = { inputTokens: 100, outputTokens: 20, totalTokens: 120, cachedInputTokens: 1_000 }

  it('up to version 5 leaves cached input beside the input where Anthropic and Bedrock do', () => {
    const providerMetadata = { anthropic: { cacheCreationInputTokens: 50 } }
    expect(read({ usage, providerMetadata })).toEqual({
      inputTokens: 1_150,
      outputTokens: 20,
      cacheReadInputTokens: 1_000,
      cacheWriteInputTokens: 50,
    })
    const bedrock = { bedrock: { usage: { cacheWriteInputTokens: 7 } } }
    expect(read({ usage, providerMetadata: bedrock })).toMatchObject({ inputTokens: 1_107, cacheWriteInputTokens: 7 })
    const steps = [{ providerMetadata }, { providerMetadata: { anthropic: { cacheCreationInputTokens: null } } }]
    expect(read({ totalUsage: usage, steps })).toMatchObject({ inputTokens: 1_150, cacheWriteInputTokens: 50 })
  })

  it('includes it with everybody else, and from version 6 on', () => {
    const inclusive = { inputTokens: 1_100, outputTokens: 20, cachedInputTokens: 1_000 }
    expect(read({ usage: inclusive, providerMetadata: { openai: {} } })).toMatchObject({ inputTokens: 1_100 })
    const inputTokenDetails = { noCacheTokens: 50, cacheReadTokens: 1_000, cacheWriteTokens: 50 }
    expect(
      read({
        usage: { ...inclusive, inputTokenDetails },
        providerMetadata: { anthropic: { cacheCreationInputTokens: 50 } },
      }),
    ).toMatchObject({ inputTokens: 1_100, cacheReadInputTokens: 1_000, cacheWriteInputTokens: 50 })
  })
})

describe('what an application says itself', () => {
  it('is written like what is read', async () => {
    await using spans = recordSpans({ rollup: 'none' })
    await llm('answer', () => Promise.resolve('text'), {
      extractUsage: () => ({
        inputTokens: 10,
        outputTokens: 5,
        cacheWriteInputTokens: 4,
        cacheWrite1hInputTokens: 3,
        audioInputTokens: 2,
        audioCacheReadInputTokens: 1,
        audioOutputTokens: 5,
        imageInputTokens: 4,
        imageCacheReadInputTokens: 3,
        imageOutputTokens: 2,
        serviceTier: 'batch',
      }),
    })()
    expect(spans.span('chat answer').attributes).toMatchObject({
      'runspan.call.cache_write_1h.input_tokens': 3,
      'gen_ai.usage.audio.input_tokens': 2,
      'gen_ai.usage.audio.cache_read.input_tokens': 1,
      'gen_ai.usage.audio.output_tokens': 5,
      'gen_ai.usage.image.input_tokens': 4,
      'gen_ai.usage.image.cache_read.input_tokens': 3,
      'gen_ai.usage.image.output_tokens': 2,
      'runspan.call.service_tier': 'batch',
    })
  })
})
