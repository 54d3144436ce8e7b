import { context, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { startModelServer } from '../../examples/model-server/server.ts'
import { llmFetch, wrapAgent } from '../../src/index.ts'
import { chat, startForeign } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const headers = {
  'content-type': 'application/json',
  authorization: 'Bearer none',
  'x-api-key': 'none',
  'x-goog-api-key': 'none',
  'anthropic-version': '2023-06-01',
}
const messages = [{ role: 'user', content: 'What is a span?' }]
const openai = { model: 'gpt-5-mini', messages }
const anthropic = { model: 'claude-sonnet-4-5', max_tokens: 100, messages }
const gemini = { contents: [{ role: 'user', parts: [{ text: 'What is a span?' }] }] }

interface Asked {
  readonly path: string
  readonly body: object
  readonly provider?: string
}

const chatCompletion: Asked = { path: '/v1/chat/completions', body: openai }
const requests: Readonly<Record<string, Asked>> = {
  'a chat completion': chatCompletion,
  'a chat completion as a stream': {
    path: '/v1/chat/completions',
    body: { ...openai, stream: true, stream_options: { include_usage: true } },
  },
  'a response': { path: '/v1/responses', body: { model: 'gpt-5-mini', input: messages } },
  'a response as a stream': { path: '/v1/responses', body: { model: 'gpt-5-mini', input: messages, stream: true } },
  embeddings: {
    path: '/v1/embeddings',
    body: { model: 'text-embedding-3-small', input: ['What is a span?'] },
    provider: 'openai',
  },
  'a message': { path: '/v1/messages', body: anthropic },
  'a message as a stream': { path: '/v1/messages', body: { ...anthropic, stream: true } },
  'content of Gemini': { path: '/v1beta/models/gemini-2.5-flash:generateContent', body: gemini },
  'content of Gemini as a stream': {
    path: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    body: gemini,
  },
}

/** Asks through `llmFetch` in a run. */
async function ask(
  { path, body, provider }: Asked,
  {
    read = (answer) => answer.text(),
    refused = [],
  }: Partial<{ read: (answer: Response) => Promise<unknown>; refused: number[] }> = {},
) {
  await using spans = recordSpans()
  const server = await startModelServer({ latencyMillis: 1, eventMillis: 1, refuse: (request) => refused[request - 1] })
  try {
    const { runId, result } = await wrapAgent('librarian', async () => {
      const answer = await llmFetch(undefined, { provider })(new URL(path, server.baseUrl), {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      return { status: answer.status, said: await read(answer) }
    })
    await server.settled()
    const calls = spans.of(runId).filter((span) => span.parentSpanContext !== undefined)
    return { result, calls, totals: spans.root(runId).attributes, ledger: [...server.ledger] }
  } finally {
    await server.close()
  }
}

describe('llmFetch', () => {
  it.each(Object.entries(requests))(
    'records what %s says of its usage, and changes nothing of it',
    async (_, asked) => {
      const { result, calls, totals, ledger } = await ask(asked)
      expect(calls).toHaveLength(1)
      expect(result.said).not.toBe('')
      const billed = ledger[0]!
      expect(totals).toMatchObject({
        'runspan.calls.llm': 1,
        'runspan.usage.input_tokens': billed.inputTokens,
        ...(billed.outputTokens > 0 && { 'runspan.usage.output_tokens': billed.outputTokens }),
        ...(billed.reasoningOutputTokens > 0 && {
          'runspan.usage.reasoning.output_tokens': billed.reasoningOutputTokens,
        }),
        'runspan.cost.source': 'priced',
      })
      expect(totals).not.toHaveProperty('runspan.calls.unpriced')
    },
  )

  it('names the call by its model, and says who was asked where only one may be', async () => {
    const { calls } = await ask(requests['a message']!)
    expect(calls[0]).toMatchObject({
      name: 'chat claude-sonnet-4-5',
      attributes: { 'gen_ai.provider.name': 'anthropic', 'gen_ai.request.model': 'claude-sonnet-4-5' },
    })
  })

  it('passes a refusal on, as a call that failed', async () => {
    const { result, calls, totals } = await ask(chatCompletion, { refused: [429] })
    expect(result.status).toBe(429)
    expect(JSON.parse(result.said as string)).toHaveProperty('error')
    expect(calls[0]!.attributes['error.type']).toBe('429')
    expect(totals).toMatchObject({ 'runspan.calls.llm': 1, 'runspan.errors': 1 })
    expect(totals).not.toHaveProperty('runspan.calls.unpriced')
  })

  it('hangs up where its reader does, and says that the cost is known in part', async () => {
    const long = { ...anthropic, stream: true, messages: [{ role: 'user', content: 'What is it? '.repeat(200) }] }
    const { totals, calls, ledger } = await ask(
      { path: '/v1/messages', body: long },
      {
        read: async ({ body }) => {
          const reader = body!.getReader()
          await reader.read()
          await reader.cancel()
        },
      },
    )
    expect(ledger[0]!.status).toBe('aborted')
    expect(calls[0]!.attributes['runspan.end_reason']).toBe('cancelled')
    expect(totals).toMatchObject({
      'runspan.usage.input_tokens': ledger[0]!.inputTokens,
      'runspan.calls.unpriced': 1,
      'runspan.cost.unpriced_models': ['claude-sonnet-4-5'],
      'runspan.cost.nano_usd': ledger[0]!.inputTokens * 3000,
      'runspan.cost.source': 'mixed',
    })
    expect(totals).not.toHaveProperty('runspan.usage.output_tokens')
  })

  it('completes what a framework around it knows of the same call', async () => {
    await using spans = recordSpans()
    const server = await startModelServer({ latencyMillis: 1, cacheMinimumTokens: 128 })
    const { runId } = await wrapAgent('librarian', async () => {
      const body = { ...openai, messages: [{ role: 'user', content: 'What is a span? '.repeat(200) }] }
      for (let time = 0; time < 2; time++) {
        const billedBefore = server.ledger.length
        const outer = startForeign(chat(0, 0, { attributes: { 'gen_ai.request.model': 'gpt-5-mini' } }))
        await context.with(trace.setSpan(context.active(), outer), async () => {
          const answer = await llmFetch()(`${server.baseUrl}/chat/completions`, {
            method: 'POST',
            headers,
            body: JSON.stringify(body),
          })
          await answer.json()
        })
        const { inputTokens, outputTokens } = server.ledger[billedBefore]!
        outer.setAttributes({ 'gen_ai.usage.input_tokens': inputTokens, 'gen_ai.usage.output_tokens': outputTokens })
        outer.end()
      }
    })
    const sum = (read: (entry: (typeof server.ledger)[number]) => number): number =>
      server.ledger.reduce((total, entry) => total + read(entry), 0)
    expect(sum((entry) => entry.cachedInputTokens)).toBeGreaterThan(0)
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.calls.llm': 2,
      'runspan.usage.input_tokens': sum((entry) => entry.inputTokens),
      'runspan.usage.cache_read.input_tokens': sum((entry) => entry.cachedInputTokens),
      'runspan.usage.reasoning.output_tokens': sum((entry) => entry.reasoningOutputTokens),
      'runspan.rollup.suppressed_spans': 2,
    })
    await server.close()
  })

  it('leaves every other request alone', async () => {
    await using spans = recordSpans()
    const seen: unknown[] = []
    const answer = new Response('there')
    const traced = llmFetch((...args) => {
      seen.push(args)
      return Promise.resolve(answer)
    })
    const { runId } = await wrapAgent('librarian', async () => {
      const init = { method: 'POST', body: '{}' }
      expect(await traced('https://example.org/files', init)).toBe(answer)
      expect(await traced('https://api.openai.com/v1/responses')).toBe(answer)
      expect(await traced(new Request('https://example.org/search', init))).toBe(answer)
    })
    expect(seen).toHaveLength(3)
    expect(spans.of(runId)).toHaveLength(1)
    // The control: the same function, asked for a model.
    const { runId: other } = await wrapAgent('librarian', async () => {
      const asked = await traced(new Request('https://api.openai.com/v1/responses', { method: 'POST', body: '{}' }))
      await asked.text()
    })
    expect(spans.of(other).map(({ name, attributes }) => [name, attributes['gen_ai.provider.name']])).toEqual([
      ['invoke_agent librarian', undefined],
      ['chat', 'openai'],
    ])
  })

  it('reads the usage of an answer that is too long to be parsed', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const embedding = 'A'.repeat(5_000_000)
    const text = JSON.stringify({ data: [{ embedding }], model: 'm', usage: { prompt_tokens: 12, details: { a: 1 } } })
    const traced = llmFetch(() =>
      Promise.resolve(new Response(text, { headers: { 'content-type': 'application/json' } })),
    )
    const { runId } = await wrapAgent('librarian', async () => {
      const answer = await traced('https://api.openai.com/v1/embeddings', { method: 'POST', body: '{"model":"m"}' })
      expect((await answer.text()).length).toBe(text.length)
    })
    expect(spans.root(runId).attributes).toMatchObject({ 'runspan.usage.input_tokens': 12 })
  })
})
