import type { AttributeValue, Attributes } from '@opentelemetry/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { readSpan } from '../../src/rollup/read-span.ts'

/** Everything the rollup takes from a span but its role, and whether it says its output. */
function read(attributes: Attributes, name = 'span'): object {
  const facts = readSpan(name, attributes, 'scope')
  const said = {
    hasUsage: facts.hasUsage,
    input: facts.inputTokens,
    output: facts.outputTokens,
    cacheRead: facts.cacheReadInputTokens,
    cacheWrite: facts.cacheWriteInputTokens,
    reasoning: facts.reasoningOutputTokens,
    details: facts.details,
    reportedNanoUsd: facts.reportedNanoUsd,
    operation: facts.operation,
    model: facts.model,
    provider: facts.provider,
    firstChunkSeconds: facts.firstChunkSeconds,
    resends: facts.resends,
  }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== 0))
}

// Every name that a producer gives a number, in the order in which they are believed.
const aliases = {
  input: [
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'ai.usage.inputTokens',
    'ai.usage.promptTokens',
    'ai.usage.tokens',
  ],
  output: [
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'ai.usage.outputTokens',
    'ai.usage.completionTokens',
  ],
  cacheRead: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.input_tokens.cached',
    'llm.token_count.prompt_details.cache_read',
    'ai.usage.inputTokenDetails.cacheReadTokens',
    'ai.usage.cachedInputTokens',
  ],
  cacheWrite: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.cache_write_input_tokens',
    'gen_ai.usage.input_tokens.cache_write',
    'llm.token_count.prompt_details.cache_write',
    'ai.usage.inputTokenDetails.cacheWriteTokens',
  ],
  reasoning: [
    'gen_ai.usage.reasoning.output_tokens',
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.reasoning_output_tokens',
    'gen_ai.usage.output_tokens.reasoning',
    'llm.token_count.completion_details.reasoning',
    'ai.usage.outputTokenDetails.reasoningTokens',
    'ai.usage.reasoningTokens',
  ],
} as const

const totals = [
  'gen_ai.usage.total_tokens',
  'llm.usage.total_tokens',
  'llm.token_count.total',
  'ai.usage.totalTokens',
  'cloudflare.agents.usage.total_tokens',
]

const costs: readonly { readonly key: string; readonly value: (usd: number) => string | number }[] = [
  { key: 'gen_ai.usage.cost.amount', value: (usd) => usd },
  { key: 'gen_ai.usage.cost', value: (usd) => usd },
  { key: 'llm.cost.total', value: (usd) => usd },
  { key: 'gen_ai.cost.total_tokens', value: (usd) => usd },
  { key: 'operation.cost', value: (usd) => usd },
  { key: 'langfuse.observation.cost_details', value: (usd) => JSON.stringify({ total: usd }) },
  { key: 'mlflow.llm.cost', value: (usd) => JSON.stringify({ input_cost: 0, output_cost: usd, total_cost: usd }) },
  { key: 'cost_usd', value: (usd) => usd },
]

const models = [
  'gen_ai.response.model',
  'gen_ai.request.model',
  'llm.response.model_name',
  'llm.model_name',
  'llm.request.model_name',
  'ai.response.model',
  'ai.model.id',
  'langfuse.observation.model.name',
  'embedding.model_name',
  'reranker.model_name',
]

const providers = ['gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system', 'ai.model.provider']

describe('the numbers of a span', () => {
  const rows = Object.entries(aliases).flatMap(([fact, keys]) => keys.map((key) => [key, fact] as const))

  it.each(rows)('are read from %s as %s', (key, fact) => {
    const tokens = fact === 'input' ? {} : { 'gen_ai.usage.input_tokens': 100 }
    const expected = fact === 'input' ? {} : { input: 100 }
    expect(read({ ...tokens, [key]: 7 })).toEqual({ ...expected, [fact]: 7, hasUsage: true })
  })

  it.each(Object.entries(aliases))('come from the first name that holds one: %s', (fact, keys) => {
    // The more trusted a name, the smaller its number; and in both orders of writing.
    for (let best = 0; best < keys.length; best++) {
      const written = keys.slice(best).map((key, rank) => [key, best + rank + 1] as const)
      for (const entries of [written, written.toReversed()]) {
        expect(read(Object.fromEntries(entries))).toMatchObject({ [fact]: best + 1 })
      }
    }
  })

  it.each(totals)('fall back to %s where a total is all there is', (key) => {
    expect(read({ [key]: 30 })).toEqual({ input: 30, hasUsage: true })
    expect(read({ [key]: 30, 'gen_ai.usage.output_tokens': 20 })).toEqual({ output: 20, hasUsage: true })
  })

  it('are read once where a producer repeats itself under several names, as Strands does', () => {
    expect(
      read({
        'gen_ai.usage.prompt_tokens': 100,
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.completion_tokens': 20,
        'gen_ai.usage.output_tokens': 20,
        'gen_ai.usage.total_tokens': 120,
        'gen_ai.usage.cache_read.input_tokens': 30,
        'gen_ai.usage.cache_read_input_tokens': 30,
        'gen_ai.usage.cache_creation.input_tokens': 10,
        'gen_ai.usage.cache_write_input_tokens': 10,
      }),
    ).toEqual({ input: 100, output: 20, cacheRead: 30, cacheWrite: 10, hasUsage: true })
  })

  it('of Claude Code have their cached input beside the input, and bare names mean nothing elsewhere', () => {
    const written = {
      model: 'claude-sonnet-4-5',
      input_tokens: 10,
      output_tokens: 20,
      cache_read_tokens: 300,
      cache_creation_tokens: 40,
      cost_usd: 0.002,
    }
    expect(read(written, 'claude_code.llm_request')).toEqual({
      model: 'claude-sonnet-4-5',
      input: 350,
      output: 20,
      cacheRead: 300,
      cacheWrite: 40,
      reportedNanoUsd: 2_000_000,
      hasUsage: true,
    })
    const { cost_usd: _cost, ...withoutCost } = written
    expect(read(withoutCost, 'llm_request')).toEqual({ hasUsage: false })
    expect(read({ 'gen_ai.usage.input_tokens': 5, ...withoutCost }, 'claude_code.llm_request')).toMatchObject({
      input: 5,
    })
  })

  const maps: readonly (readonly [string, object, object])[] = [
    ['langfuse.observation.usage_details', { input: 10, output: 5, total: 15 }, { input: 10, output: 5 }],
    ['langfuse.observation.usage_details', { promptTokens: 10, completionTokens: 5 }, { input: 10, output: 5 }],
    ['langsmith.usage_metadata', { input_tokens: 10, output_tokens: 5, total_tokens: 15 }, { input: 10, output: 5 }],
    [
      'mlflow.chat.tokenUsage',
      { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 4, cache_creation_input_tokens: 2 },
      { input: 10, output: 5, cacheRead: 4, cacheWrite: 2 },
    ],
  ]
  it.each(maps)('are read from the JSON map %s %o', (key, map, expected) => {
    expect(read({ [key]: JSON.stringify(map) })).toEqual({ ...expected, hasUsage: true })
  })

  it('come from plain keys before maps, and from one map before the next, number by number', () => {
    const langfuse = JSON.stringify({ output: 2 })
    const mlflow = JSON.stringify({ input_tokens: 3, output_tokens: 4, cache_read_input_tokens: 1 })
    const both = { 'langfuse.observation.usage_details': langfuse, 'mlflow.chat.tokenUsage': mlflow }
    expect(read(both)).toEqual({ input: 3, output: 2, cacheRead: 1, hasUsage: true })
    expect(read({ ...both, 'gen_ai.usage.input_tokens': 9 })).toEqual({
      input: 9,
      output: 2,
      cacheRead: 1,
      hasUsage: true,
    })
  })

  it('may be written as text or as doubles; what is no count is as if it were absent', () => {
    expect(read({ 'gen_ai.usage.input_tokens': '12', 'gen_ai.usage.output_tokens': 3.4 })).toEqual({
      input: 12,
      output: 3,
      hasUsage: true,
    })
    for (const odd of [-1, Number.NaN, Number.POSITIVE_INFINITY, '', 'many', true, [1], 2 ** 60]) {
      expect(read({ 'gen_ai.usage.input_tokens': odd })).toEqual({ hasUsage: false })
      expect(read({ 'gen_ai.usage.input_tokens': odd, 'llm.token_count.prompt': 7 })).toMatchObject({
        input: 7,
      })
    }
  })

  it.each(['{', 'null', '7', '[1,2]', '""'])('are absent where a map is no map: %s', (text) => {
    expect(read({ 'langfuse.observation.usage_details': text, 'mlflow.llm.cost': text })).toEqual({ hasUsage: false })
  })

  it('of an aggregate that may span runs are no usage', () => {
    expect(read({ 'gen_ai.aggregated_usage.input_tokens': 300, 'task.usage.requests': 2 })).toEqual({ hasUsage: false })
  })
})

describe('the reported cost of a span', () => {
  it.each(costs)('is read from $key', ({ key, value }) => {
    expect(read({ [key]: value(0.25) })).toEqual({ reportedNanoUsd: 250_000_000, hasUsage: true })
  })

  it('comes from the first name that holds one', () => {
    for (let best = 0; best < costs.length; best++) {
      const written = costs.slice(best).map(({ key, value }, rank) => [key, value(best + rank + 1)] as const)
      for (const entries of [written, written.toReversed()]) {
        expect(read(Object.fromEntries(entries))).toMatchObject({ reportedNanoUsd: (best + 1) * 1e9 })
      }
    }
  })

  it('may be a total of dollars under two more names in Langfuse’s map', () => {
    expect(read({ 'langfuse.observation.cost_details': '{"totalCost":0.5}' })).toMatchObject({ reportedNanoUsd: 5e8 })
  })

  it('in another currency counts for nothing, and says nothing about the other names', () => {
    const euros = { 'gen_ai.usage.cost.amount': 1, 'gen_ai.usage.cost.currency': 'EUR' }
    expect(read(euros)).toEqual({ hasUsage: false })
    expect(read({ ...euros, 'operation.cost': 3, 'llm.cost.total': 2 })).toMatchObject({ reportedNanoUsd: 2e9 })
    expect(read({ ...euros, 'gen_ai.usage.cost.currency': 'usd' })).toMatchObject({ reportedNanoUsd: 1e9 })
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e9, '0.5'])(
    'that cannot be one is as if it were absent: %s',
    (odd) => {
      expect(read({ 'gen_ai.usage.cost': odd, 'operation.cost': 0.5 })).toMatchObject({ reportedNanoUsd: 5e8 })
    },
  )

  it('that Runspan wrote itself goes before all others', () => {
    expect(read({ 'operation.cost': 0.5, 'runspan.call.cost.nano_usd': 7 })).toMatchObject({ reportedNanoUsd: 7 })
  })
})

describe('model and provider of a model call', () => {
  const call = { 'gen_ai.operation.name': 'chat' }

  it.each([
    ['model', models],
    ['provider', providers],
  ])('%s comes from the first name that holds one', (fact, keys) => {
    for (let best = 0; best < keys.length; best++) {
      const written = keys.slice(best).map((key) => [key, key] as const)
      for (const entries of [written, written.toReversed()]) {
        expect(read({ ...call, ...Object.fromEntries(entries) })).toMatchObject({ [fact]: keys[best] })
      }
      expect(read({ ...call, [keys[best]!]: '' })).toEqual({ operation: 'chat', hasUsage: false })
    }
  })
})

describe('a span like the one before', () => {
  const keys = fc.constantFrom(
    ...Object.values(aliases).flat(),
    ...totals,
    ...costs.map(({ key }) => key),
    ...models,
    ...providers,
    'gen_ai.operation.name',
    'openinference.span.kind',
    'ai.operationId',
    'gen_ai.usage.audio.input_tokens',
    'gen_ai.response.time_to_first_chunk',
    'http.request.resend_count',
    'model',
    'anything.else',
  )
  const values = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 5000 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('chat', 'execute_tool', 'invoke_agent', 'LLM', 'gpt-5', 'openai', '"quoted"'),
    },
    fc.constantFrom<AttributeValue>(0, -1, 2.5, 2 ** 40, '', '12', true, Number.NaN),
  )
  const spans = fc.record({
    name: fc.constantFrom('chat gpt-5', 'call_llm', 'claude_code.llm_request', 'a span'),
    entries: fc.uniqueArray(fc.tuple(keys, values), { selector: ([key]) => key, maxLength: 12 }),
    others: fc.array(values, { minLength: 12, maxLength: 12 }),
  })

  it('is read as if it were the first', () => {
    fc.assert(
      fc.property(spans, ({ name, entries, others }) => {
        // The same keys with other values, so that the values of one span are not taken for those of the next.
        for (const span of [entries, entries.map(([key], at) => [key, others[at]!] as const)]) {
          const attributes = Object.fromEntries(span)
          read({ 'some.other.key': 1 }, name)
          const first = telling(attributes, name)
          expect(telling(attributes, name)).toEqual(first)
          expect(telling(attributes, name)).toEqual(first)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

/** What it says that anybody asks for: the model and the like only of calls and of what reports usage. */
function telling(attributes: Attributes, name: string): object {
  const { role, hasUsage, firstChunkSeconds, resends, ...rest } = readSpan(name, attributes, 'scope')
  return hasUsage || role === 'leaf'
    ? { role, hasUsage, firstChunkSeconds, resends, ...rest }
    : { role, hasUsage, firstChunkSeconds, resends }
}
