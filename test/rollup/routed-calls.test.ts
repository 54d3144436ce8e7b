/** Trees as gateways, fallbacks, caches and guardrails make them, and what they are billed. */
import type { Attributes } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { wrapAgent } from '../../src/index.ts'
import { chat, emitSpans, operation, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const mini: Attributes = { 'gen_ai.request.model': 'gpt-4.1-mini', 'gen_ai.provider.name': 'openai' }
const sonnet: Attributes = { 'gen_ai.request.model': 'claude-sonnet-4-5', 'gen_ai.provider.name': 'anthropic' }
const priceOfMini = (input: number, output: number): number => input * 400 + output * 1600
const priceOfSonnet = (input: number, output: number): number => input * 3000 + output * 15_000

async function billOf(spans: readonly ForeignSpan[]): Promise<object> {
  await using recorded = recordSpans()
  const { runId } = await wrapAgent('planner', () => emitSpans(spans))
  const { attributes } = recorded.root(runId)
  return {
    calls: attributes['runspan.calls.llm'],
    input: attributes['runspan.usage.input_tokens'] ?? 0,
    output: attributes['runspan.usage.output_tokens'] ?? 0,
    nanoUsd: attributes['runspan.cost.nano_usd'],
    source: attributes['runspan.cost.source'],
    unpriced: attributes['runspan.calls.unpriced'] ?? 0,
  }
}

function agent(name: string): ForeignSpan {
  return operation('invoke_agent', {
    name,
    attributes: { ...mini, 'gen_ai.usage.input_tokens': 300, 'gen_ai.usage.output_tokens': 30 },
    below: [chat(200, 20, { attributes: mini }), chat(100, 10, { attributes: mini })],
  })
}

function tool(name: string, below: readonly ForeignSpan[]): ForeignSpan {
  return operation('execute_tool', { name, attributes: { 'gen_ai.tool.name': name }, below })
}

describe('the bill of', () => {
  it('a stream that falls back to another model is that of the model which answered', async () => {
    const wrapper = operation('chat', {
      attributes: { 'gen_ai.request.model': 'smart-router' },
      below: [
        operation('chat', { name: 'first', attributes: mini, failed: true }),
        chat(100, 10, { name: 'second', attributes: sonnet }),
      ],
    })
    expect(await billOf([wrapper])).toEqual({
      calls: 2,
      input: 100,
      output: 10,
      nanoUsd: priceOfSonnet(100, 10),
      source: 'priced',
      unpriced: 0,
    })
  })

  it('a router that repeats what the model behind it used is what the router charges', async () => {
    const router: Attributes = {
      'gen_ai.request.model': 'openrouter/auto',
      'gen_ai.response.model': 'anthropic/claude-sonnet-4.5',
      'gen_ai.provider.name': 'openrouter',
      'gen_ai.usage.cost': 0.0005,
    }
    const expected = { calls: 1, input: 100, output: 10, nanoUsd: 500_000, source: 'reported', unpriced: 0 }
    const inner = chat(100, 10, { name: 'inner', attributes: sonnet })
    expect(await billOf([chat(100, 10, { attributes: router, below: [inner] })])).toEqual(expected)
    const plain = { 'gen_ai.request.model': 'auto' }
    const asked = chat(100, 10, { name: 'asked', attributes: { 'gen_ai.usage.cost': 0.0005 } })
    expect(await billOf([chat(100, 10, { attributes: plain, below: [asked] })])).toEqual(expected)
  })

  it('a middleware that answers from its own cache is nothing, and the call is not unpriced', async () => {
    const hit = chat(0, 0, { attributes: mini })
    expect(await billOf([hit, chat(100, 10, { attributes: mini })])).toEqual({
      calls: 2,
      input: 100,
      output: 10,
      nanoUsd: priceOfMini(100, 10),
      source: 'priced',
      unpriced: 0,
    })
  })

  it('a client that tries again inside of one span is that of the try which answered', async () => {
    const tried = chat(100, 10, {
      attributes: mini,
      below: [
        { name: 'POST', failed: true, attributes: { 'http.response.status_code': 429 } },
        { name: 'POST', attributes: { 'http.response.status_code': 200, 'http.request.resend_count': 1 } },
      ],
    })
    expect(await billOf([tried])).toMatchObject({ calls: 1, input: 100, nanoUsd: priceOfMini(100, 10), unpriced: 0 })
  })

  it('guardrails, parallel tools with agents in them, embeddings and rerankers is that of each model call in them', async () => {
    const step: ForeignSpan = {
      name: 'step',
      attributes: { 'traceloop.span.kind': 'task', 'gen_ai.usage.input_tokens': 9999 },
      below: [
        { name: 'guardrail', below: [chat(50, 5, { attributes: mini })] },
        chat(100, 10, { attributes: mini, below: [tool('ask', [agent('first')]), tool('ask', [agent('second')])] }),
        operation('embeddings', {
          attributes: {
            'gen_ai.request.model': 'text-embedding-3-small',
            'gen_ai.provider.name': 'openai',
            'gen_ai.usage.input_tokens': 1000,
          },
        }),
        { name: 'rerank', attributes: { 'openinference.span.kind': 'RERANKER', 'reranker.model_name': 'rerank-v3' } },
      ],
    }
    expect(await billOf([step])).toEqual({
      calls: 8,
      input: 50 + 100 + 2 * 300 + 1000,
      output: 5 + 10 + 2 * 30,
      nanoUsd: priceOfMini(750, 75) + 1000 * 20,
      source: 'mixed',
      // A reranker is not billed by tokens: nobody knows its cost.
      unpriced: 1,
    })
  })
})
