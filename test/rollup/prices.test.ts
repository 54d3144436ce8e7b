import { describe, expect, it } from 'vitest'

import { RunspanError } from '../../src/errors.ts'
import { PriceBook, type ModelPrice, type PricedCall, type PriceSource } from '../../src/rollup/prices.ts'

const march2026 = Date.parse('2026-03-01T12:00:00Z')

function callOf(provider: string | undefined, model: string, usage: Partial<PricedCall> = {}): PricedCall {
  return {
    provider,
    model,
    timeUnixMillis: march2026,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningOutputTokens: 0,
    ...usage,
  }
}

// One US dollar per million tokens is 1000 nano-USD per token: the sums below are tokens × (US dollars × 1000).

describe('bills of cached calls, recomputed by hand from the listed prices', () => {
  const book = new PriceBook()

  it("charges OpenAI's cached input at its own rate", () => {
    // gpt-5: input 1.25, cached input 0.125, output 10 (reasoning is output).
    const call = callOf('openai', 'gpt-5-2025-08-07', {
      inputTokens: 12_000,
      cacheReadInputTokens: 10_240,
      outputTokens: 900,
      reasoningOutputTokens: 640,
    })
    // (12 000 − 10 240) × 1250 + 10 240 × 125 + 900 × 10 000 = 2 200 000 + 1 280 000 + 9 000 000
    expect(book.price(call)).toBe(12_480_000)
  })

  it("charges Anthropic's cache writes above, and its cache reads below, plain input", () => {
    // claude-sonnet-4-5 up to 200 000 input tokens: input 3, cache write 3.75, cache read 0.3, output 15.
    const call = callOf('anthropic', 'claude-sonnet-4-5-20250929', {
      inputTokens: 21_000,
      cacheReadInputTokens: 18_000,
      cacheWriteInputTokens: 2_500,
      outputTokens: 400,
    })
    // 500 × 3000 + 18 000 × 300 + 2500 × 3750 + 400 × 15 000 = 1 500 000 + 5 400 000 + 9 375 000 + 6 000 000
    expect(book.price(call)).toBe(22_275_000)
  })

  it("charges Gemini's cached input at its own rate, and thoughts as output", () => {
    // gemini-2.5-pro up to 200 000 input tokens: input 1.25, cached input 0.125, output 10.
    const call = callOf('gcp.gemini', 'gemini-2.5-pro', {
      inputTokens: 50_000,
      cacheReadInputTokens: 32_768,
      outputTokens: 2_000,
      reasoningOutputTokens: 1_500,
    })
    // 17 232 × 1250 + 32 768 × 125 + 2000 × 10 000 = 21 540 000 + 4 096 000 + 20 000 000
    expect(book.price(call)).toBe(45_636_000)
  })

  it('charges cached input as plain input where no rate of its own is listed', () => {
    // mistral-large: input 2, output 6; 1000 × 2000.
    const cached = { inputTokens: 1_000, cacheReadInputTokens: 600, cacheWriteInputTokens: 300 }
    expect(book.price(callOf('mistral_ai', 'mistral-large-2411', cached))).toBe(2_000_000)
  })

  it('charges reasoning at its own rate where one is listed', () => {
    // sonar-deep-research: input 2, output 8, reasoning 3; 100 × 2000 + 400 × 8000 + 600 × 3000.
    const usage = { inputTokens: 100, outputTokens: 1_000, reasoningOutputTokens: 600 }
    expect(book.price(callOf('perplexity', 'sonar-deep-research', usage))).toBe(5_200_000)
  })

  it('adds what is charged per call', () => {
    // sonar-pro: input 3, output 15, and 14 per thousand calls; 100 × 3000 + 10 × 15 000 + 14 000 000.
    const usage = { inputTokens: 100, outputTokens: 10 }
    expect(book.price(callOf('perplexity', 'sonar-pro', usage))).toBe(14_450_000)
    expect(book.price(callOf('perplexity', 'sonar-pro'))).toBe(14_000_000)
  })
})

describe('prices that depend on the size of a call', () => {
  const book = new PriceBook()

  it('charges every token of a call above the threshold at the higher rates', () => {
    // claude-sonnet-4-5 above 200 000 input tokens: input 6, cache write 7.5, cache read 0.6, output 22.5.
    const usage = { cacheReadInputTokens: 150_000, cacheWriteInputTokens: 20_000, outputTokens: 1_000 }
    // 30 000 × 3000 + 150 000 × 300 + 20 000 × 3750 + 1000 × 15 000 = 90 + 45 + 75 + 15 million
    expect(book.price(callOf('anthropic', 'claude-sonnet-4-5', { ...usage, inputTokens: 200_000 }))).toBe(225_000_000)
    // 30 001 × 6000 + 150 000 × 600 + 20 000 × 7500 + 1000 × 22 500 = 180.006 + 90 + 150 + 22.5 million
    expect(book.price(callOf('anthropic', 'claude-sonnet-4-5', { ...usage, inputTokens: 200_001 }))).toBe(442_506_000)
  })

  it('counts cached input towards the threshold', () => {
    // gemini-2.5-pro above 200 000: input 2.5, cached input 0.25; 1 × 2500 + 200 000 × 250.
    const usage = { inputTokens: 200_001, cacheReadInputTokens: 200_000 }
    expect(book.price(callOf('google', 'gemini-2.5-pro', usage))).toBe(50_002_500)
  })
})

describe('prices that depend on the time of a call', () => {
  const book = new PriceBook()
  const priceAt = (provider: string, model: string, time: string): number | undefined =>
    book.price(callOf(provider, model, { inputTokens: 1_000, timeUnixMillis: Date.parse(time) }))

  it('charges by the price of the day', () => {
    // o3: input 10, and 2 from 2025-06-10 on.
    expect(priceAt('openai', 'o3', '2025-06-09T23:59:59.999Z')).toBe(10_000_000)
    expect(priceAt('openai', 'o3', '2025-06-10T00:00:00Z')).toBe(2_000_000)
  })

  it('charges by the price of the hour', () => {
    // deepseek-chat: input 0.135, and 0.27 from 00:30 to 16:30 UTC.
    expect(priceAt('deepseek', 'deepseek-chat', '2026-03-01T00:29:59.999Z')).toBe(135_000)
    expect(priceAt('deepseek', 'deepseek-chat', '2026-03-01T00:30:00Z')).toBe(270_000)
    expect(priceAt('deepseek', 'deepseek-chat', '2026-03-01T16:29:59.999Z')).toBe(270_000)
    expect(priceAt('deepseek', 'deepseek-chat', '2026-03-01T16:30:00Z')).toBe(135_000)
  })

  it('prices no call at a time that is none, where the price changes with time', () => {
    const usage = { inputTokens: 1_000, timeUnixMillis: Number.NaN }
    expect(book.price(callOf('openai', 'o3', usage))).toBeUndefined()
    expect(book.price(callOf('openai', 'gpt-5', usage))).toBe(1_250_000)
  })
})

describe('what nobody knows', () => {
  const book = new PriceBook()
  const usage = { inputTokens: 1_000, outputTokens: 1_000 }

  it('leaves an unknown model unpriced, of a known provider and of an unknown one', () => {
    expect(book.price(callOf('openai', 'no-such-model', usage))).toBeUndefined()
    expect(book.price(callOf('no-such-provider', 'no-such-model', usage))).toBeUndefined()
    expect(book.price(callOf(undefined, 'no-such-model', usage))).toBeUndefined()
    expect(book.price(callOf('openai', '', usage))).toBeUndefined()
  })

  it('leaves a model unpriced whose list knows hours or pages only', () => {
    expect(book.price(callOf('groq', 'whisper-large-v3', usage))).toBeUndefined()
    expect(book.price(callOf('mistral', 'mistral-ocr-latest', usage))).toBeUndefined()
  })

  it('prices a free model at 0', () => {
    expect(book.price(callOf('openrouter', 'deepseek/deepseek-r1:free', usage))).toBe(0)
  })

  it('takes names that are too long, or no names, for unknown', () => {
    expect(book.price(callOf('openai', 'gpt-5'.padEnd(600, '-'), usage))).toBeUndefined()
    expect(book.price(callOf('x'.repeat(600), 'gpt-5', usage))).toBe(11_250_000)
    expect(book.price(callOf(7 as never, 8 as never, usage))).toBeUndefined()
  })
})

describe('odd usage', () => {
  const book = new PriceBook()
  const price = (usage: Partial<PricedCall>): number | undefined => book.price(callOf('openai', 'gpt-5', usage))

  it('takes cached input for at most the input, reads first', () => {
    expect(price({ inputTokens: 10, cacheReadInputTokens: 5_000 })).toBe(10 * 125)
    expect(price({ inputTokens: 10, cacheReadInputTokens: 8, cacheWriteInputTokens: 8 })).toBe(8 * 125 + 2 * 1_250)
  })

  it('takes reasoning for at most the output', () => {
    expect(price({ outputTokens: 10, reasoningOutputTokens: 99 })).toBe(10 * 10_000)
  })

  it('takes what is no count for 0', () => {
    for (const odd of [-5, Number.NaN, Infinity, -Infinity, undefined as never]) {
      expect(price({ inputTokens: odd, outputTokens: 1 })).toBe(10_000)
      expect(price({ inputTokens: 100, cacheReadInputTokens: odd, cacheWriteInputTokens: odd })).toBe(125_000)
      expect(price({ outputTokens: 100, reasoningOutputTokens: odd })).toBe(1_000_000)
    }
  })

  it('leaves a call unpriced that would cost more than a double holds exactly', () => {
    expect(price({ outputTokens: 9e11 })).toBe(9e15)
    expect(price({ outputTokens: 1e12 })).toBeUndefined()
  })

  it('rounds once per call, to the nearest billionth', () => {
    // text-embedding-3-small: input 0.02, which is 20 nano-USD per token; gemini-2.5-flash-lite cached: 0.01.
    expect(book.price(callOf('openai', 'text-embedding-3-small', { inputTokens: 3 }))).toBe(60)
    const own = new PriceBook([{ model: 'm', inputUsdPerMillionTokens: 0.0003, outputUsdPerMillionTokens: 0.0004 }])
    // 0.3 + 0.4 nano-USD: each alone would round to 0.
    expect(own.price(callOf(undefined, 'm', { inputTokens: 1, outputTokens: 1 }))).toBe(1)
    expect(own.price(callOf(undefined, 'm', { inputTokens: 1 }))).toBe(0)
  })
})

describe("the application's own prices", () => {
  const gpt: ModelPrice = { model: 'gpt-5', inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 2 }
  const usage = {
    inputTokens: 1_000,
    cacheReadInputTokens: 400,
    cacheWriteInputTokens: 100,
    outputTokens: 1_000,
    reasoningOutputTokens: 700,
  }

  it('go before listed ones, which price what they do not know', () => {
    const book = new PriceBook([gpt])
    expect(book.price(callOf('openai', 'gpt-5', usage))).toBe(1_000_000 + 2_000_000)
    // gpt-4.1-mini: input 0.4, cached input 0.1, output 1.6; 600 × 400 + 400 × 100 + 1000 × 1600.
    expect(book.price(callOf('openai', 'gpt-4.1-mini', usage))).toBe(1_880_000)
    expect(book.tableName).toMatch(/^own prices, genai-prices \d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)$/)
  })

  it("are the only ones where the list ends with 'none'", () => {
    const book = new PriceBook([gpt, 'none'])
    expect(book.price(callOf('openai', 'gpt-5', usage))).toBe(3_000_000)
    expect(book.price(callOf('openai', 'gpt-4.1-mini', usage))).toBeUndefined()
    expect(book.tableName).toBe('own prices')
  })

  it('charge cached input at their own rates where they have some', () => {
    const book = new PriceBook([{ ...gpt, cacheReadUsdPerMillionTokens: 0.5, cacheWriteUsdPerMillionTokens: 0 }])
    // 500 × 1000 + 400 × 500 + 100 × 0 + 1000 × 2000
    expect(book.price(callOf('openai', 'gpt-5', usage))).toBe(2_700_000)
  })

  it('match by pattern, whatever the flags of the pattern, and the first match counts', () => {
    const book = new PriceBook([
      { ...gpt, model: /^gpt-5/g },
      { ...gpt, model: 'gpt-5-mini', inputUsdPerMillionTokens: 99 },
    ])
    for (const model of ['gpt-5', 'gpt-5-mini', 'gpt-5-nano'])
      expect(book.price(callOf('openai', model, usage))).toBe(3_000_000)
    expect(book.price(callOf('openai', 'gpt-4.1-mini', usage))).toBe(1_880_000)
  })

  it('match a provider in any of its spellings', () => {
    const book = new PriceBook([{ ...gpt, provider: 'azure' }, 'none'])
    expect(book.price(callOf('azure.ai.openai', 'gpt-5', usage))).toBe(3_000_000)
    expect(book.price(callOf('Azure-OpenAI.chat', 'gpt-5', usage))).toBe(3_000_000)
    expect(book.price(callOf('openai', 'gpt-5', usage))).toBeUndefined()
    expect(book.price(callOf(undefined, 'gpt-5', usage))).toBeUndefined()
  })

  it("match a provider of the application's own naming", () => {
    const book = new PriceBook([{ ...gpt, provider: 'Acme.EU' }, 'none'])
    expect(book.price(callOf('acme.eu', 'gpt-5', usage))).toBe(3_000_000)
    expect(book.price(callOf('acme.eu.chat', 'gpt-5', usage))).toBe(3_000_000)
    expect(book.price(callOf('acme.us', 'gpt-5', usage))).toBeUndefined()
  })

  it('hold from their beginning up to their end, and the next entry or the list outside', () => {
    const book = new PriceBook([
      { ...gpt, from: '2026-01-01', until: new Date('2026-02-01T00:00:00Z') },
      { ...gpt, inputUsdPerMillionTokens: 3, until: '2026-01-01' },
    ])
    const priceAt = (time: string): number | undefined =>
      book.price(callOf('openai', 'gpt-5', { inputTokens: 1_000, timeUnixMillis: Date.parse(time) }))
    expect(priceAt('2025-12-31T23:59:59.999Z')).toBe(3_000_000)
    expect(priceAt('2026-01-01T00:00:00Z')).toBe(1_000_000)
    expect(priceAt('2026-01-31T23:59:59.999Z')).toBe(1_000_000)
    expect(priceAt('2026-02-01T00:00:00Z')).toBe(1_250_000)
  })

  it('do not change when the table is changed afterwards', () => {
    const entry = { ...gpt, model: 'm', until: new Date('2027-01-01') }
    const book = new PriceBook([entry])
    entry.inputUsdPerMillionTokens = 99
    entry.until.setTime(0)
    expect(book.price(callOf(undefined, 'm', usage))).toBe(3_000_000)
  })

  it.each<[unknown, RegExp]>([
    [null, /prices: null cannot be used\. Use 'genai-prices'/],
    ['openai', /prices: openai cannot be used/],
    [{ model: 'm' }, /prices: \[object Object\] cannot be used/],
    [[gpt, 'none', gpt], /prices\[1\]: none cannot be used.*'none' at the end/],
    [['genai-prices'], /prices\[0\]: genai-prices cannot be used/],
    [[undefined], /prices\[0\]: undefined cannot be used/],
    [[gpt, { ...gpt, model: '' }], /prices\[1\]\.model:  cannot be used\. Give the name of a model/],
    [[{ ...gpt, model: 7 }], /prices\[0\]\.model: 7 cannot be used/],
    [[{ ...gpt, provider: ' ' }], /prices\[0\]\.provider/],
    [[{ ...gpt, inputUsdPerMillionTokens: undefined }], /inputUsdPerMillionTokens: undefined.*US dollars per million/],
    [[{ ...gpt, outputUsdPerMillionTokens: '2' }], /outputUsdPerMillionTokens: 2 cannot be used/],
    [[{ ...gpt, outputUsdPerMillionTokens: -1 }], /outputUsdPerMillionTokens: -1 cannot be used/],
    [[{ ...gpt, cacheReadUsdPerMillionTokens: Number.NaN }], /cacheReadUsdPerMillionTokens: NaN cannot be used/],
    [[{ ...gpt, cacheReadUsd: 1 }], /prices\[0\]: cacheReadUsd cannot be used\. There is no such field/],
    [[{ ...gpt, from: 'tomorrow' }], /prices\[0\]\.from: tomorrow cannot be used\. Give a Date/],
    [[{ ...gpt, until: new Date(Number.NaN) }], /prices\[0\]\.until/],
    [[{ ...gpt, from: '2026-02-01', until: '2026-02-01' }], /prices\[0\]\.until: 2026-02-01.*after from/],
  ])('throw at set-up where they cannot work: %j', (source, message) => {
    const create = (): PriceBook => new PriceBook(source as PriceSource)
    expect(create).toThrow(RunspanError)
    expect(create).toThrow(expect.objectContaining({ code: 'bad_configuration' }))
    expect(create).toThrow(message)
  })
})

describe('a price function', () => {
  it('is asked first, per call, with clamped numbers, and the list after it', () => {
    const calls: PricedCall[] = []
    const book = new PriceBook((call) => {
      calls.push(call)
      return call.model === 'mine' ? call.inputTokens * 0.001 : undefined
    })
    expect(book.price(callOf('p', 'mine', { inputTokens: 2, cacheReadInputTokens: 9 }))).toBe(2_000_000)
    expect(book.price(callOf('p', 'mine', { inputTokens: 3 }))).toBe(3_000_000)
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBe(1_250)
    expect(calls).toHaveLength(3)
    expect(calls[0]).toEqual(callOf('p', 'mine', { inputTokens: 2, cacheReadInputTokens: 2 }))
  })

  it("is the only source before 'none', and stands in a list where it is put", () => {
    const alone = new PriceBook([() => undefined, 'none'])
    expect(alone.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBeUndefined()
    const free: ModelPrice = { model: 'free', inputUsdPerMillionTokens: 0, outputUsdPerMillionTokens: 0 }
    const mixed = new PriceBook([free, () => 1, 'none'])
    expect(mixed.price(callOf(undefined, 'free', { inputTokens: 1 }))).toBe(0)
    expect(mixed.price(callOf(undefined, 'other', { inputTokens: 1 }))).toBe(1e9)
  })

  it('leaves the call unpriced and is reported where it throws', () => {
    const errors: unknown[] = []
    const broken = new Error('no table today')
    const book = new PriceBook(
      () => {
        throw broken
      },
      { onFunctionError: (error) => errors.push(error) },
    )
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBeUndefined()
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBeUndefined()
    expect(errors).toEqual([broken, broken])
  })

  it.each([[Number.NaN], [-1], [Infinity], ['2'], [{}], [true]])(
    'leaves the call unpriced and is reported where it answers %j',
    (answer) => {
      const errors: unknown[] = []
      const book = new PriceBook(() => answer as never, { onFunctionError: (error) => errors.push(error) })
      expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBeUndefined()
      expect(errors).toEqual([expect.any(TypeError)])
    },
  )

  it('that is async by mistake is reported, and its rejection ends no process', async () => {
    const errors: unknown[] = []
    const book = new PriceBook((() => Promise.reject(new Error('late'))) as never, {
      onFunctionError: (error) => errors.push(error),
    })
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBeUndefined()
    expect(String(errors[0])).toContain('a promise')
    // An unhandled rejection would fail this file by now.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('may say null for a model it does not know', () => {
    const book = new PriceBook((() => null) as never)
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBe(1_250)
  })
})

describe('a price book', () => {
  it("prices nothing with 'none'", () => {
    const book = new PriceBook('none')
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1 }))).toBeUndefined()
    expect(book.tableName).toBe('none')
  })

  it('names the list, its version, and the day on which that was published', () => {
    // Where the date is missing: add the version to list-dates.ts.
    expect(new PriceBook().tableName).toMatch(/^genai-prices \d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)$/)
  })

  it('remembers a bounded number of models, known and unknown, and still prices when it has forgotten', () => {
    const book = new PriceBook([{ model: /-mine$/, inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 1 }, 'none'])
    for (let index = 0; index < 10_000; index++) {
      const suffix = index % 2 === 0 ? 'mine' : 'theirs'
      const price = book.price(callOf(`provider-${index % 50}`, `${index}-${suffix}`, { inputTokens: 1 }))
      expect(price).toBe(suffix === 'mine' ? 1_000 : undefined)
      expect(book.rememberedModels).toBeLessThanOrEqual(4_096)
    }
    expect(book.rememberedModels).toBeGreaterThan(1_000)
    expect(book.price(callOf('provider-0', '0-mine', { inputTokens: 1 }))).toBe(1_000)
  })
})
