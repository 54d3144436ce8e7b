import { calcPrice, waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'

import { PriceBook } from '../../src/rollup/prices.ts'
import { isUnlistedHost, providerIdOf } from '../../src/rollup/provider-id.ts'

const book = new PriceBook()

function price(provider: string | undefined, model: string): number | undefined {
  return book.price({
    provider,
    model,
    timeUnixMillis: Date.parse('2026-03-01T12:00:00Z'),
    inputTokens: 1_000,
    outputTokens: 100,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningOutputTokens: 0,
  })
}

/** What the package itself says of the same call, under its own name of the provider. */
function listed(providerId: string, model: string): number {
  const timestamp = new Date('2026-03-01T12:00:00Z')
  const found = calcPrice({ input_tokens: 1_000, output_tokens: 100 }, model, { providerId, timestamp })
  return Math.round((found?.total_price ?? Number.NaN) * 1e9)
}

describe('names of providers', () => {
  it.each([
    // OpenTelemetry
    ['openai', 'openai'],
    ['azure.ai.openai', 'azure'],
    ['azure.ai.inference', 'azure'],
    ['az.ai.openai', 'azure'],
    ['az.ai.inference', 'azure'],
    ['aws.bedrock', 'aws'],
    ['gcp.gemini', 'google'],
    ['gcp.vertex_ai', 'google'],
    ['gcp.gen_ai', 'google'],
    ['gemini', 'google'],
    ['vertex_ai', 'google'],
    ['anthropic', 'anthropic'],
    ['x_ai', 'x-ai'],
    ['xai', 'x-ai'],
    ['mistral_ai', 'mistral'],
    ['groq', 'groq'],
    ['deepseek', 'deepseek'],
    ['cohere', 'cohere'],
    ['perplexity', 'perplexity'],
    ['moonshot_ai', 'moonshotai'],
    // AI SDK
    ['openai.chat', 'openai'],
    ['openai.responses', 'openai'],
    ['openai.embedding', 'openai'],
    ['azure.chat', 'azure'],
    ['azure-openai.chat', 'azure'],
    ['anthropic.messages', 'anthropic'],
    ['google.generative-ai', 'google'],
    ['google.vertex.chat', 'google'],
    ['google-vertex', 'google'],
    ['vertex.anthropic.messages', 'google'],
    ['amazon-bedrock', 'aws'],
    ['amazon-bedrock.chat', 'aws'],
    ['bedrock.anthropic.messages', 'aws'],
    ['xai.chat', 'x-ai'],
    ['mistral.chat', 'mistral'],
    ['groq.chat', 'groq'],
    ['deepseek.chat', 'deepseek'],
    ['togetherai.chat', 'together'],
    ['fireworks.chat', 'fireworks'],
    ['moonshotai.chat', 'moonshotai'],
    ['openrouter.chat', 'openrouter'],
    ['cerebras.chat', 'cerebras'],
    // OpenInference, Traceloop, LangChain, LiteLLM
    ['OpenAI', 'openai'],
    ['Azure', 'azure'],
    ['azure_openai', 'azure'],
    ['AzureOpenAI', 'azure'],
    ['AWS', 'aws'],
    ['amazon_bedrock', 'aws'],
    ['vertexai', 'google'],
    ['google_genai', 'google'],
    ['google_vertexai', 'google'],
    ['mistralai', 'mistral'],
    ['Mistral AI', 'mistral'],
    ['Together AI', 'together'],
    ['together_ai', 'together'],
    ['fireworks_ai', 'fireworks'],
    ['X.AI', 'x-ai'],
    ['z.ai', 'zai'],
    ['voyage', 'voyageai'],
  ])('%s is %s', (name, id) => {
    expect(providerIdOf(name)).toBe(id)
  })

  it("keeps every name of the package's own", async () => {
    const providers = (await waitForUpdate()) ?? []
    expect(providers.length).toBeGreaterThan(40)
    for (const { id } of providers) {
      expect(providerIdOf(id)).toBe(id)
      expect(isUnlistedHost(id), id).toBe(false)
    }
  })

  it.each(['ibm.watsonx.ai', 'ollama', 'ollama.chat', 'lmstudio', 'vllm', 'deepinfra.chat'])(
    '%s charges by a list that nobody has',
    (name) => {
      expect(isUnlistedHost(name)).toBe(true)
      expect(price(name, 'deepseek-chat')).toBeUndefined()
      // The model itself has a price elsewhere.
      expect(price(undefined, 'deepseek-chat')).toBe(listed('deepseek', 'deepseek-chat'))
    },
  )
})

describe('calls as they are named in the wild', () => {
  it.each([
    ['openai.responses', 'gpt-4.1-mini-2025-04-14', 'openai', 'gpt-4.1-mini'],
    ['openai', 'ft:gpt-4o-2024-08-06:acme::x1', 'openai', 'ft:gpt-4o-2024-08-06:other'],
    ['azure.ai.openai', 'gpt-4o', 'azure', 'gpt-4o'],
    ['azure.ai.inference', 'deepseek-chat', 'azure', 'deepseek-chat'],
    [
      'aws.bedrock',
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'aws',
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    ],
    ['gcp.gemini', 'models/gemini-2.5-flash', 'google', 'gemini-2.5-flash'],
    ['gcp.vertex_ai', 'publishers/google/models/gemini-2.5-pro', 'google', 'gemini-2.5-pro'],
    ['gcp.vertex_ai', 'claude-sonnet-4-5@20250929', 'google', 'claude-sonnet-4-5'],
    ['gcp.gen_ai', 'gemini-2.5-pro', 'google', 'gemini-2.5-pro'],
    ['x_ai', 'grok-4', 'x-ai', 'grok-4'],
    ['moonshot_ai', 'kimi-k2-thinking', 'moonshotai', 'kimi-k2-thinking'],
    ['groq', 'llama-3.3-70b-versatile', 'groq', 'llama-3.3-70b-versatile'],
    ['github_copilot', 'gpt-5-mini', 'github-copilot', 'gpt-5-mini'],
    ['openrouter', 'anthropic/claude-sonnet-4.5', 'openrouter', 'anthropic/claude-sonnet-4.5'],
    // Unknown and absent providers: by the model alone, or by the provider in front of it.
    [undefined, 'gpt-4.1-mini', 'openai', 'gpt-4.1-mini'],
    ['', 'gpt-4.1-mini', 'openai', 'gpt-4.1-mini'],
    ['_OTHER', 'claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5'],
    ['my-gateway', 'gemini-2.5-pro', 'google', 'gemini-2.5-pro'],
    ['gateway', 'anthropic/claude-sonnet-4.5', 'anthropic', 'claude-sonnet-4.5'],
    ['openai-compatible.chat', 'deepseek-chat', 'deepseek', 'deepseek-chat'],
    ['litellm', 'xai/grok-4', 'x-ai', 'grok-4'],
  ])('%s %s costs what %s lists for %s', (provider, model, providerId, listedModel) => {
    const nanoUsd = price(provider, model)
    expect(nanoUsd).toBeGreaterThan(0)
    expect(nanoUsd).toBe(listed(providerId, listedModel))
  })
})
