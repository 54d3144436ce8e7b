import { describe, expect, it } from 'vitest'

import { readSpan } from '../../src/rollup/read-span.ts'

const usageMetadata = {
  promptTokenCount: 500,
  candidatesTokenCount: 20,
  thoughtsTokenCount: 30,
  cachedContentTokenCount: 256,
  totalTokenCount: 550,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 500 }],
}

/** A model call as Google's ADK writes it. */
function call(response: string | undefined, name = 'call_llm') {
  return readSpan(
    name,
    {
      'gen_ai.system': 'gcp.vertex.agent',
      'gen_ai.request.model': 'gemini-2.5-flash',
      'gen_ai.usage.input_tokens': 500,
      'gen_ai.usage.output_tokens': 20,
      ...(response !== undefined && { 'gcp.vertex.agent.llm_response': response }),
    },
    'gcp.vertex.agent',
  )
}

describe('a call of Google’s ADK', () => {
  it('has its thoughts and its cached input from the answer', () => {
    const response = JSON.stringify({
      content: { parts: [{ text: 'It says "usageMetadata":{}' }] },
      usageMetadata,
      turnComplete: true,
    })
    expect(call(response)).toMatchObject({
      inputTokens: 500,
      outputTokens: 50,
      reasoningOutputTokens: 30,
      cacheReadInputTokens: 256,
      role: 'leaf',
    })
  })

  it.each([undefined, '{}', JSON.stringify({ usageMetadata }).slice(0, -20), '"usageMetadata":1}'])(
    'has what its own keys say where the answer is not recorded, or not whole: %s',
    (response) => {
      expect(call(response)).toMatchObject({
        inputTokens: 500,
        outputTokens: 20,
        reasoningOutputTokens: 0,
        cacheReadInputTokens: 0,
      })
    },
  )
})
