/**
 * Bills of cached calls as they were published, recomputed from what the provider's API answers and from the listed
 * prices. Amounts are those of the source; where a source says tokens and prices and leaves the sum to the reader, the
 * sum stands beside it as a formula.
 */
import type { Attributes } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { llm, wrapAgent } from '../../src/index.ts'
import { PriceBook, type CostBreakdown } from '../../src/rollup/prices.ts'
import { callDetailsOf } from '../../src/rollup/span-details.ts'
import { readCallReport } from '../../src/run/provider-usage.ts'
import { recordSpans } from '../support/record-spans.ts'

const book = new PriceBook()

/** What one answer of a provider's API costs, in US dollars by bucket. */
function billOf(provider: string, model: string, answer: object, on: string): CostBreakdown {
  const report = readCallReport(answer)
  const bill = book.costBreakdown({
    provider,
    model,
    timeUnixMillis: Date.parse(on),
    inputTokens: report?.inputTokens ?? 0,
    outputTokens: report?.outputTokens ?? 0,
    cacheReadInputTokens: report?.cacheReadInputTokens ?? 0,
    cacheWriteInputTokens: report?.cacheWriteInputTokens ?? 0,
    reasoningOutputTokens: report?.reasoningOutputTokens ?? 0,
    details: callDetailsOf(report ?? {}),
  })
  if (bill === undefined) throw new Error(`${model} has no price`)
  return bill
}

/** What OpenAI answers to a prompt, without the answer. */
function promptOf(tokens: number, cached: number): object {
  return { usage: { prompt_tokens: tokens, completion_tokens: 0, prompt_tokens_details: { cached_tokens: cached } } }
}

const usd = (dollars: number): number => Math.round(dollars * 1e9)

describe('Anthropic', () => {
  // https://platform.claude.com/docs/en/about-claude/pricing, "Claude Managed Agents", worked example of a session of one
  // hour with Claude Opus 5, as of 2026-09: 50 000 input and 15 000 output tokens, $0.25 + $0.375; with 40 000 of the
  // input read from the cache $0.05 + $0.02 + $0.375. ($0.08 of session runtime, which no token says, come on top.)
  it('bills $0.625 for a session, and $0.445 for the same with a cache', () => {
    const plain = { usage: { input_tokens: 50_000, output_tokens: 15_000 } }
    expect(billOf('anthropic', 'claude-opus-5', plain, '2026-09-15').nanoUsd).toBe(usd(0.625))
    const cached = {
      usage: {
        input_tokens: 10_000,
        cache_read_input_tokens: 40_000,
        cache_creation_input_tokens: 0,
        output_tokens: 15_000,
      },
    }
    expect(billOf('anthropic', 'claude-opus-5', cached, '2026-09-15')).toEqual({
      nanoUsd: usd(0.445),
      buckets: { input: usd(0.05), cacheRead: usd(0.02), output: usd(0.375) },
    })
  })

  // https://eonsr.com/en/claude-prompt-caching-math, 2025, with Anthropic's multipliers and the price of Sonnet 4: a
  // prefix of 100 000 tokens written at 1.25 × $3 ($0.375), read ten times ($0.30), $0.15 of output: $0.825 in all,
  // "about $0.41" as a batch.
  it('bills $0.825 for a prefix that is written once and read ten times, and half as a batch', () => {
    const calls = [
      { cache_creation_input_tokens: 100_000, cache_read_input_tokens: 0, input_tokens: 0, output_tokens: 0 },
      ...Array.from({ length: 10 }, () => ({
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 100_000,
        input_tokens: 0,
        output_tokens: 1_000,
      })),
    ]
    const sumOf = (serviceTier: string): number =>
      calls.reduce(
        (sum, usage) =>
          sum +
          billOf('anthropic', 'claude-sonnet-4-0', { usage: { ...usage, service_tier: serviceTier } }, '2025-08-20')
            .nanoUsd,
        0,
      )
    expect(sumOf('standard')).toBe(usd(0.825))
    expect(sumOf('batch')).toBe(usd(0.4125))
  })

  // https://aipromptshub.co/calc/claude-api-cost, 2026, Sonnet 4.6: a prompt of 2000 tokens kept for an hour, written
  // once at $6 ("$0.012") and read 99 times at $0.30 ("$0.0594").
  it('bills $0.012 for a write that is kept for an hour, and $0.0594 for 99 reads of it', () => {
    const write = {
      usage: {
        input_tokens: 0,
        cache_creation_input_tokens: 2_000,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2_000 },
        output_tokens: 0,
      },
    }
    expect(billOf('anthropic', 'claude-sonnet-4-6', write, '2026-04-15')).toEqual({
      nanoUsd: usd(0.012),
      buckets: { cacheWrite1h: usd(0.012) },
    })
    const read = { usage: { input_tokens: 0, cache_read_input_tokens: 2_000, output_tokens: 0 } }
    expect(99 * billOf('anthropic', 'claude-sonnet-4-6', read, '2026-04-15').nanoUsd).toBe(usd(0.0594))
  })
})

describe('OpenAI', () => {
  // https://developers.openai.com/cookbook/examples/prompt_caching_201 (openai/openai-cookbook 0dee719), 2026: the answer
  // of §3.1, and for gpt-4o $2.50, cached $1.25, of §2.2. Output is $10 on the pricing page.
  it('bills $0.005615 for the answer that its guide to prompt caching shows', () => {
    const answer = {
      usage: {
        prompt_tokens: 2_006,
        completion_tokens: 300,
        total_tokens: 2_306,
        prompt_tokens_details: { cached_tokens: 1_920 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
    }
    expect(billOf('openai', 'gpt-4o', answer, '2026-02-20')).toEqual({
      nanoUsd: usd((86 * 2.5 + 1_920 * 1.25 + 300 * 10) / 1e6),
      buckets: { input: usd(0.000215), cacheRead: usd(0.0024), output: usd(0.003) },
    })
  })

  // The same page, §4.1: a prompt of 900 tokens is never cached; one of 1100 with a cache rate of 50 % "saves 33 %", with
  // one of 70 % "55 %". Table of §2.2: gpt-5.2 $1.75, cached $0.175.
  it('bills 33 % and 55 % less for a prompt that is long enough to be cached', () => {
    const { nanoUsd: uncached } = billOf('openai', 'gpt-5.2', promptOf(900, 0), '2026-02-20')
    const saved = (cached: number): number =>
      Math.round((1 - billOf('openai', 'gpt-5.2', promptOf(1_100, cached), '2026-02-20').nanoUsd / uncached) * 100)
    expect(saved(550)).toBe(33)
    expect(saved(770)).toBe(55)
  })

  // https://platform.openai.com/docs/pricing on 2026-03-20, batch: gpt-5.2 $0.875, cached $0.0875, output $7.
  it('bills $0.875, $0.0875 and $7 for a million tokens of each kind in batches', () => {
    const answer = {
      service_tier: 'batch',
      usage: {
        prompt_tokens: 2_000_000,
        completion_tokens: 1_000_000,
        prompt_tokens_details: { cached_tokens: 1_000_000 },
      },
    }
    expect(billOf('openai', 'gpt-5.2', answer, '2026-03-20').buckets).toEqual({
      input: usd(0.875),
      cacheRead: usd(0.0875),
      output: usd(7),
    })
  })
})

describe('Google', () => {
  // https://discuss.ai.google.dev/t/question-about-gemini-api-caching-pricing/107349, 2025-10, Gemini 2.5 Pro: the usage,
  // "(11,500 − 10,000) / 1,000,000 × $1.25 = $0.001875" for the input and "10,000 / 1,000,000 × $0.125 = $0.00125" for
  // what is cached. (The thread reckons the output at another model's price; the pricing page says $10.)
  it('bills $0.001875 for the input of a cached prompt and $0.00125 for what was cached', () => {
    const answer = {
      usageMetadata: {
        promptTokenCount: 11_500,
        candidatesTokenCount: 1_000,
        totalTokenCount: 22_500,
        cachedContentTokenCount: 10_000,
        thoughtsTokenCount: 10_000,
      },
    }
    expect(billOf('google', 'gemini-2.5-pro', answer, '2025-10-15')).toEqual({
      nanoUsd: usd(0.001875 + 0.00125 + 0.11),
      buckets: { input: usd(0.001875), cacheRead: usd(0.00125), output: usd(0.01), reasoning: usd(0.1) },
    })
  })

  // https://github.com/google-gemini/cookbook, quickstarts/Caching.ipynb (01ac3d0): the usage of its answer about the
  // transcript of Apollo 11, above 128 000 tokens. Prices of Gemini 1.5 Flash from August 2024 on: input $0.15, cached
  // $0.0375, output $0.60.
  it("bills $0.01224 for a question about Apollo 11's transcript, which is cached", () => {
    const answer = {
      usageMetadata: { promptTokenCount: 323_392, candidatesTokenCount: 189, cachedContentTokenCount: 323_383 },
    }
    const bill = billOf('google', 'gemini-1.5-flash', answer, '2024-10-01')
    // 9 × 150 + 323 383 × 37.5 + 189 × 600 = 12 241 612.5
    expect(bill.nanoUsd).toBe(12_241_613)
    expect((bill.nanoUsd / 1e9).toFixed(5)).toBe('0.01224')
  })
})

describe('a run', () => {
  it('carries what its calls were billed, whoever billed them', async () => {
    await using spans = recordSpans()
    const answers = [
      [
        'anthropic',
        'claude-opus-5',
        { usage: { input_tokens: 10_000, cache_read_input_tokens: 40_000, output_tokens: 15_000 } },
      ],
      [
        'openai',
        'gpt-4o',
        {
          usage: { prompt_tokens: 2_006, completion_tokens: 300, prompt_tokens_details: { cached_tokens: 1_920 } },
        },
      ],
      [
        'gcp.gemini',
        'gemini-2.5-pro',
        {
          usageMetadata: {
            promptTokenCount: 11_500,
            candidatesTokenCount: 1_000,
            cachedContentTokenCount: 10_000,
            thoughtsTokenCount: 10_000,
          },
        },
      ],
    ] as const
    await wrapAgent('biller', async () => {
      for (const [provider, model, answer] of answers) {
        await llm(model, () => Promise.resolve(answer), { model, provider })()
      }
    })
    expect(spans.span('invoke_agent biller').attributes).toMatchObject({
      'runspan.cost.nano_usd': usd(0.445 + 0.005615 + 0.113125),
      'runspan.cost.source': 'priced',
      'runspan.cost.price_table': book.tableName,
      'runspan.calls.llm': 3,
    })
  })

  it('is billed for audio and hour-long cache writes that spans of other libraries report', async () => {
    await using spans = recordSpans({ rollup: { detail: ['costs'] } })
    const tracer = spans.provider.getTracer('other-library')
    const call = (provider: string, model: string, usage: Attributes): void =>
      tracer
        .startSpan('chat', {
          attributes: {
            'gen_ai.operation.name': 'chat',
            'gen_ai.provider.name': provider,
            'gen_ai.request.model': model,
            ...usage,
          },
        })
        .end()
    await wrapAgent('speaker', () => {
      // gpt-realtime: text 4, audio 32, out 16, audio out 64.
      call('openai', 'gpt-realtime', {
        'gen_ai.usage.input_tokens': 300,
        'gen_ai.usage.audio.input_tokens': 200,
        'gen_ai.usage.output_tokens': 50,
        'gen_ai.usage.audio.output_tokens': 40,
      })
      // claude-opus-5: input 5, write 6.25, write for an hour 10.
      call('anthropic', 'claude-opus-5', {
        'gen_ai.usage.input_tokens': 1_000,
        'gen_ai.usage.cache_creation.input_tokens': 800,
        'gen_ai.usage.cache_creation.5m_input_tokens': 300,
        'gen_ai.usage.cache_creation.1h_input_tokens': 500,
      })
    })
    const buckets = {
      'runspan.cost.input.nano_usd': 100 * 4_000 + 200 * 5_000,
      'runspan.cost.audio.input.nano_usd': 200 * 32_000,
      'runspan.cost.output.nano_usd': 10 * 16_000,
      'runspan.cost.audio.output.nano_usd': 40 * 64_000,
      'runspan.cost.cache_write.nano_usd': 300 * 6_250,
      'runspan.cost.cache_write_1h.nano_usd': 500 * 10_000,
    }
    const total = Object.values(buckets).reduce((sum, nanoUsd) => sum + nanoUsd, 0)
    expect(spans.span('invoke_agent speaker').attributes).toMatchObject({
      ...buckets,
      'runspan.cost.nano_usd': total,
    })
  })

  it('names the models that nobody lists, and those whose tier nobody publishes a price for', async () => {
    await using spans = recordSpans()
    const usage = { prompt_tokens: 10, completion_tokens: 1 }
    await wrapAgent('asker', async () => {
      await llm('a', () => Promise.resolve({ usage, service_tier: 'priority' }), {
        model: 'gpt-5',
        provider: 'openai',
      })()
      await llm('b', () => Promise.resolve({ usage }), { model: 'my-own-model' })()
      await llm('c', () => Promise.resolve({ usage }), { model: 'gpt-5', provider: 'openai' })()
    })
    expect(spans.span('invoke_agent asker').attributes).toMatchObject({
      'runspan.calls.unpriced': 2,
      'runspan.cost.unpriced_models': ['gpt-5 (priority)', 'my-own-model'],
      'runspan.cost.nano_usd': 10 * 1_250 + 10_000,
      'runspan.cost.source': 'mixed',
    })
  })
})
