/** Kinds of tokens and tiers of service that have prices of their own, and what a call's cost was charged for. */
import { calcPrice, findProvider, waitForUpdate, type ModelInfo } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'

import { PriceBook, type CallDetails, type ModelPrice, type PricedCall } from '../../src/rollup/prices.ts'
import { serviceTierOf } from '../../src/run/service-tier.ts'

const book = new PriceBook()

const noDetails: CallDetails = {
  cacheWrite1hInputTokens: 0,
  audioInputTokens: 0,
  audioCacheReadInputTokens: 0,
  audioOutputTokens: 0,
  imageInputTokens: 0,
  imageCacheReadInputTokens: 0,
  imageOutputTokens: 0,
  serviceTier: undefined,
}

function callOf(
  provider: string | undefined,
  model: string,
  usage: Partial<PricedCall>,
  details?: Partial<CallDetails>,
): PricedCall {
  return {
    provider,
    model,
    timeUnixMillis: Date.parse('2026-10-01T12:00:00Z'),
    inputTokens: 0,
    outputTokens: 0,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningOutputTokens: 0,
    ...usage,
    details: details === undefined ? undefined : { ...noDetails, ...details },
  }
}

// One US dollar per million tokens is 1000 nano-USD per token: the sums below are tokens × (US dollars × 1000).

describe('cache writes for an hour', () => {
  const usage = { inputTokens: 10_000, cacheReadInputTokens: 2_000, cacheWriteInputTokens: 5_000 }

  it('cost what the list says, and the rest of the writes what those of five minutes cost', () => {
    // claude-opus-4-5: input 5, write 6.25, write for an hour 10, read 0.5.
    const call = callOf('anthropic', 'claude-opus-4-5', usage, { cacheWrite1hInputTokens: 3_000 })
    expect(book.price(call)).toBe(3_000 * 5_000 + 2_000 * 500 + 2_000 * 6_250 + 3_000 * 10_000)
  })

  it('change with the size of the call, as everything does', () => {
    // claude-sonnet-4-5 above 200 000: write for an hour 12.
    const call = callOf(
      'anthropic',
      'claude-sonnet-4-5',
      { inputTokens: 200_001, cacheWriteInputTokens: 200_001 },
      { cacheWrite1hInputTokens: 200_001 },
    )
    expect(book.price(call)).toBe(200_001 * 12_000)
  })

  it("cost twice the input where Anthropic's list leaves them out", () => {
    const listed = relisted({ input_mtok: 7, cache_write_mtok: 8.75, output_mtok: 35 }, 'anthropic')
    const call = callOf('anthropic', 'claude-next', usage, { cacheWrite1hInputTokens: 5_000 })
    expect(listed.price(call)).toBe(3_000 * 7_000 + 2_000 * 7_000 + 5_000 * 14_000)
  })

  it('are unpriced where nobody says, and the same call without them is priced', () => {
    // Claude on Vertex AI is listed without.
    const call = callOf('gcp.vertex_ai', 'claude-opus-5', usage, { cacheWrite1hInputTokens: 1 })
    expect(book.price(call)).toBeUndefined()
    expect(book.price(callOf('gcp.vertex_ai', 'claude-opus-5', usage, {}))).toBe(
      3_000 * 5_000 + 2_000 * 500 + 5_000 * 6_250,
    )
  })
})

describe('audio and images', () => {
  it("have prices of their own in OpenAI's speech models, cached and not", () => {
    // gpt-realtime: text 4, cached 0.4, out 16; audio 32, cached 0.4, out 64; image 5, cached 0.5.
    const usage = { inputTokens: 1_000, cacheReadInputTokens: 400, outputTokens: 300 }
    const call = callOf('openai', 'gpt-realtime', usage, {
      audioInputTokens: 600,
      audioCacheReadInputTokens: 250,
      imageInputTokens: 150,
      imageCacheReadInputTokens: 50,
      audioOutputTokens: 200,
    })
    expect(book.costBreakdown(call)).toEqual({
      nanoUsd:
        150 * 4_000 + 100 * 400 + 350 * 32_000 + 250 * 400 + 100 * 5_000 + 50 * 500 + 100 * 16_000 + 200 * 64_000,
      buckets: {
        input: 150 * 4_000,
        cacheRead: 100 * 400,
        audioInput: 350 * 32_000,
        audioCacheRead: 250 * 400,
        imageInput: 100 * 5_000,
        imageCacheRead: 50 * 500,
        output: 100 * 16_000,
        audioOutput: 200 * 64_000,
      },
    })
  })

  it('take what does not fit into the rest of the input for cached, and no more', () => {
    // 900 of 1000 input tokens are audio, 400 are cached: 300 of those must be audio.
    const usage = { inputTokens: 1_000, cacheReadInputTokens: 400 }
    const call = callOf('openai', 'gpt-realtime', usage, { audioInputTokens: 900 })
    expect(book.costBreakdown(call)?.buckets).toEqual({
      cacheRead: 100 * 400,
      audioInput: 600 * 32_000,
      audioCacheRead: 300 * 400,
    })
  })

  it('cost what text does in Gemini models that are listed without, and their own rate in those with', () => {
    const usage = { inputTokens: 1_000, cacheReadInputTokens: 100 }
    const details = { audioInputTokens: 500, audioCacheReadInputTokens: 100 }
    // gemini-2.5-pro: 1.25, cached 0.125; gemini-2.5-flash: 0.3, audio 1, cached audio 0.1.
    expect(book.price(callOf('google', 'gemini-2.5-pro', usage, details))).toBe(900 * 1_250 + 100 * 125)
    expect(book.price(callOf('google', 'gemini-2.5-flash', usage, details))).toBe(500 * 300 + 400 * 1_000 + 100 * 100)
  })

  it('are unpriced where the list knows text alone, and the same call without them is priced', () => {
    const usage = { inputTokens: 1_000, outputTokens: 100 }
    expect(book.price(callOf('openai', 'gpt-4o-audio-preview', usage, { audioInputTokens: 1 }))).toBeUndefined()
    expect(book.price(callOf('openai', 'gpt-4o-audio-preview', usage, { audioOutputTokens: 1 }))).toBeUndefined()
    expect(book.price(callOf('openai', 'gpt-4o-audio-preview', usage, {}))).toBe(1_000 * 2_500 + 100 * 10_000)
    expect(book.price(callOf('google', 'gemini-2.5-pro', usage, { imageOutputTokens: 1 }))).toBeUndefined()
  })

  it('are the output of models that answer with nothing else, and images shown to a model are its input', () => {
    const usage = { inputTokens: 1_000, outputTokens: 100 }
    expect(book.price(callOf('openai', 'gpt-4o-mini-tts', usage, { audioOutputTokens: 100 }))).toBe(
      1_000 * 600 + 100 * 12_000,
    )
    expect(book.price(callOf('openai', 'gpt-image-1', usage, { imageOutputTokens: 100 }))).toBe(
      1_000 * 5_000 + 100 * 40_000,
    )
    expect(book.price(callOf('openai', 'gpt-5', usage, { imageInputTokens: 700 }))).toBe(1_000 * 1_250 + 100 * 10_000)
  })

  it('cost nothing where the model is free', () => {
    const call = callOf('openrouter', 'deepseek/deepseek-r1:free', { inputTokens: 9 }, { audioInputTokens: 9 })
    expect(book.price(call)).toBe(0)
  })
})

describe('tiers of service', () => {
  const usage = {
    inputTokens: 10_000,
    cacheReadInputTokens: 4_000,
    cacheWriteInputTokens: 2_000,
    outputTokens: 1_000,
    reasoningOutputTokens: 400,
  }

  it.each([
    ['openai', 'gpt-5', 'batch', 6_000 * 625 + 4_000 * 62.5 + 1_000 * 5_000],
    ['openai.responses', 'gpt-5', 'flex', 6_000 * 625 + 4_000 * 62.5 + 1_000 * 5_000],
    // Writes 3.75, reads 0.3: everything at half, "these multipliers stack".
    ['anthropic', 'claude-sonnet-4-0', 'batch', 4_000 * 1_500 + 4_000 * 150 + 2_000 * 1_875 + 1_000 * 7_500],
    // Cached input of batches costs what it does elsewhere; writes are plain input.
    ['gcp.gemini', 'gemini-2.5-pro', 'batch', 6_000 * 625 + 4_000 * 125 + 1_000 * 5_000],
  ])('%s %s %s costs what the provider publishes for all of its models', (provider, model, serviceTier, nanoUsd) => {
    const written = model.startsWith('claude') ? usage : { ...usage, cacheWriteInputTokens: 0 }
    expect(book.price(callOf(provider, model, written, { serviceTier }))).toBe(nanoUsd)
  })

  it('scale long calls too', () => {
    // gemini-2.5-pro above 200 000: input 2.5, output 15.
    const long = { inputTokens: 200_001, outputTokens: 10 }
    expect(book.price(callOf('google', 'gemini-2.5-pro', long, { serviceTier: 'flex' }))).toBe(
      200_001 * 1_250 + 10 * 7_500,
    )
  })

  it('leave alone what is charged per call', () => {
    const listed = relisted({ input_mtok: 2, output_mtok: 2, requests_kcount: 5 }, 'openai')
    expect(listed.price(callOf('openai', 'm', { inputTokens: 1_000 }, { serviceTier: 'batch' }))).toBe(
      1_000 * 1_000 + 5_000_000,
    )
  })

  it.each([
    ['openai', 'gpt-5', 'priority'],
    ['openai', 'gpt-5', 'scale'],
    ['anthropic', 'claude-opus-5', 'priority'],
    ['anthropic', 'claude-opus-5', 'fast'],
    ['google', 'gemini-2.5-pro', 'priority'],
    // Nobody says what cached input costs there.
    ['google', 'gemini-2.5-pro', 'flex'],
    ['google', 'claude-opus-5', 'batch'],
    ['openai', 'gpt-4o', 'batch'],
    ['azure', 'gpt-5', 'batch'],
    ['aws.bedrock', 'amazon.nova-pro-v1:0', 'batch'],
    ['openai', 'gpt-5', 'a tier of tomorrow'],
  ])('%s %s %s is unpriced, and priced in the standard tier', (provider, model, serviceTier) => {
    expect(book.price(callOf(provider, model, usage, { serviceTier }))).toBeUndefined()
    expect(book.costBreakdown(callOf(provider, model, usage, { serviceTier }))).toBeUndefined()
    expect(book.price(callOf(provider, model, usage, {}))).toBeGreaterThan(0)
  })

  it.each([
    ['default', undefined],
    ['auto', undefined],
    ['standard', undefined],
    ['on_demand', undefined],
    ['ON_DEMAND', undefined],
    ['', undefined],
    ['ON_DEMAND_FLEX', 'flex'],
    ['ON_DEMAND_PRIORITY', 'priority'],
    ['PROVISIONED_THROUGHPUT', 'provisioned_throughput'],
    ['Flex', 'flex'],
    ['batch', 'batch'],
  ])('are named by one spelling: %s', (name, tier) => {
    expect(serviceTierOf(name)).toBe(tier)
  })

  it('of other names are remembered in a bounded number, and cost the same when forgotten', () => {
    for (let index = 0; index < 1_000; index++) {
      expect(book.price(callOf('openai', 'gpt-5', usage, { serviceTier: `made-up-${index}` }))).toBeUndefined()
    }
    expect(book.price(callOf('openai', 'gpt-5', { inputTokens: 1_000 }, { serviceTier: 'flex' }))).toBe(625_000)
  })
})

describe("tiers, tokens and sizes in the application's own table", () => {
  const standard: ModelPrice = { model: 'gpt-5', inputUsdPerMillionTokens: 2, outputUsdPerMillionTokens: 8 }
  const priority: ModelPrice = { ...standard, serviceTier: 'priority', inputUsdPerMillionTokens: 4 }
  const usage = { inputTokens: 1_000 }

  it('cost what the entry for the tier says, however the provider spells it', () => {
    const own = new PriceBook([standard, priority])
    expect(own.price(callOf('openai', 'gpt-5', usage))).toBe(2_000_000)
    expect(own.price(callOf('openai', 'gpt-5', usage, { serviceTier: 'priority' }))).toBe(4_000_000)
    const vertex = new PriceBook([{ ...priority, serviceTier: 'ON_DEMAND_PRIORITY' }])
    expect(vertex.price(callOf('openai', 'gpt-5', usage, { serviceTier: 'priority' }))).toBe(4_000_000)
  })

  it('are unpriced in a tier that the table has not, rather than taken from the list', () => {
    const own = new PriceBook([standard])
    expect(own.price(callOf('openai', 'gpt-5', usage, { serviceTier: 'flex' }))).toBeUndefined()
    expect(own.costBreakdown(callOf('openai', 'gpt-5', usage, { serviceTier: 'flex' }))).toBeUndefined()
    // A model that the table does not have is the list's, in every tier.
    expect(own.price(callOf('openai', 'gpt-5-mini', usage, { serviceTier: 'flex' }))).toBe(125_000)
  })

  it('are told to a price function, which may know them', () => {
    const own = new PriceBook((call) => (call.details?.serviceTier === 'priority' ? 0.5 : undefined))
    expect(own.price(callOf('openai', 'gpt-5', usage, { serviceTier: 'priority' }))).toBe(500_000_000)
    expect(own.costBreakdown(callOf('openai', 'gpt-5', usage, { serviceTier: 'priority' }))).toEqual({
      nanoUsd: 500_000_000,
      buckets: { undivided: 500_000_000 },
    })
    expect(own.price(callOf('openai', 'gpt-5', usage, { serviceTier: 'flex' }))).toBe(625_000)
  })

  it('price every kind of token that the entry names', () => {
    const own = new PriceBook([
      {
        model: 'm',
        inputUsdPerMillionTokens: 1,
        outputUsdPerMillionTokens: 2,
        cacheReadUsdPerMillionTokens: 0.1,
        cacheWriteUsdPerMillionTokens: 1.25,
        cacheWrite1hUsdPerMillionTokens: 3,
        reasoningUsdPerMillionTokens: 4,
        audioInputUsdPerMillionTokens: 10,
        audioCacheReadUsdPerMillionTokens: 5,
        audioOutputUsdPerMillionTokens: 20,
        imageInputUsdPerMillionTokens: 6,
        imageCacheReadUsdPerMillionTokens: 7,
        imageOutputUsdPerMillionTokens: 30,
        callUsd: 0.001,
      },
    ])
    const all = {
      inputTokens: 6_000,
      cacheReadInputTokens: 3_000,
      cacheWriteInputTokens: 2_000,
      outputTokens: 4_000,
      reasoningOutputTokens: 1_000,
    }
    const details = {
      cacheWrite1hInputTokens: 1_000,
      audioInputTokens: 1_250,
      audioCacheReadInputTokens: 1_000,
      imageInputTokens: 1_250,
      imageCacheReadInputTokens: 1_000,
      audioOutputTokens: 1_000,
      imageOutputTokens: 1_000,
    }
    expect(own.costBreakdown(callOf(undefined, 'm', all, details))?.buckets).toEqual({
      input: 500_000,
      cacheRead: 100_000,
      cacheWrite: 1_250_000,
      cacheWrite1h: 3_000_000,
      output: 2_000_000,
      reasoning: 4_000_000,
      audioInput: 2_500_000,
      audioCacheRead: 5_000_000,
      audioOutput: 20_000_000,
      imageInput: 1_500_000,
      imageCacheRead: 7_000_000,
      imageOutput: 30_000_000,
      request: 1_000_000,
    })
  })

  it('leave calls unpriced that have tokens the entry names no price for', () => {
    const own = new PriceBook([standard])
    const price = (details: Partial<CallDetails>): number | undefined =>
      own.price(callOf('openai', 'gpt-5', { ...usage, cacheWriteInputTokens: 5, outputTokens: 5 }, details))
    expect(price({ audioInputTokens: 1 })).toBeUndefined()
    expect(price({ audioOutputTokens: 1 })).toBeUndefined()
    expect(price({ imageOutputTokens: 1 })).toBeUndefined()
    expect(price({ cacheWrite1hInputTokens: 1 })).toBeUndefined()
    // Images are input, and an empty detail is none.
    expect(price({ imageInputTokens: 1 })).toBe(1_000 * 2_000 + 5 * 8_000)
    expect(price({})).toBe(1_000 * 2_000 + 5 * 8_000)
  })

  it('cost more in long calls, all of their tokens', () => {
    const own = new PriceBook([
      {
        ...standard,
        longCalls: [
          { aboveInputTokens: 1_000, inputUsdPerMillionTokens: 3 },
          { aboveInputTokens: 2_000, inputUsdPerMillionTokens: 4, outputUsdPerMillionTokens: 9 },
        ],
      },
    ])
    const price = (inputTokens: number): number | undefined =>
      own.price(callOf('openai', 'gpt-5', { inputTokens, outputTokens: 1 }))
    expect(price(1_000)).toBe(1_000 * 2_000 + 8_000)
    expect(price(1_001)).toBe(1_001 * 3_000 + 8_000)
    expect(price(2_001)).toBe(2_001 * 4_000 + 9_000)
  })

  it.each<[unknown, RegExp]>([
    [{ ...standard, serviceTier: ' ' }, /prices\[0\]\.serviceTier:/],
    [{ ...standard, callUsd: -1 }, /prices\[0\]\.callUsd: -1 cannot be used/],
    [{ ...standard, audioInputUsdPerMillionTokens: '1' }, /prices\[0\]\.audioInputUsdPerMillionTokens: 1 cannot/],
    [{ ...standard, longCalls: {} }, /prices\[0\]\.longCalls: .*Give a list/],
    [{ ...standard, longCalls: [null] }, /prices\[0\]\.longCalls\[0\]: null/],
    [{ ...standard, longCalls: [{}] }, /prices\[0\]\.longCalls\[0\]\.aboveInputTokens: undefined.*number of tokens/],
    [{ ...standard, longCalls: [{ aboveInputTokens: 1, model: 'm' }] }, /longCalls\[0\]: model cannot be used/],
    [
      { ...standard, longCalls: [{ aboveInputTokens: 1, inputUsdPerMillionTokens: Number.NaN }] },
      /longCalls\[0\]\.inputUsdPerMillionTokens: NaN/,
    ],
  ])('throw at set-up where they cannot work: %j', (entry, message) => {
    expect(() => new PriceBook([entry as ModelPrice])).toThrow(message)
  })
})

describe('a table that says what it is', () => {
  const prices: readonly ModelPrice[] = [
    { model: 'm', inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 1 },
    { model: 'n', inputUsdPerMillionTokens: 2, outputUsdPerMillionTokens: 2 },
  ]

  it('is named with its date, beside whatever else prices calls', () => {
    const table = { name: 'acme contract', date: '2026-01-01', prices }
    expect(new PriceBook([table, 'none']).tableName).toBe('acme contract (2026-01-01)')
    expect(new PriceBook(table).tableName).toMatch(/^acme contract \(2026-01-01\), genai-prices /)
    expect(new PriceBook([{ name: 'lab', prices: [] }, () => undefined, prices[0]!, 'none']).tableName).toBe(
      'lab, own prices',
    )
  })

  it('prices calls in its place in the list', () => {
    const cheaper = { name: 'cheaper', prices: [{ ...prices[0]!, inputUsdPerMillionTokens: 0.5 }] }
    const own = new PriceBook([cheaper, { name: 'dearer', prices }, 'none'])
    expect(own.price(callOf(undefined, 'm', { inputTokens: 2 }))).toBe(1_000)
    expect(own.price(callOf(undefined, 'n', { inputTokens: 2 }))).toBe(4_000)
  })

  it.each<[unknown, RegExp]>([
    [{ prices }, /prices\.name: undefined cannot be used. Give a name of at most 64/],
    [{ name: ' ', prices }, /prices\.name/],
    [{ name: 'x'.repeat(65), prices }, /prices\.name/],
    [{ name: 'x', prices: {} }, /prices\.prices: .*Give a list of prices/],
    [{ name: 'x', date: 'yesterday', prices }, /prices\.date: yesterday cannot be used/],
    [{ name: 'x', version: '1', prices }, /prices: version cannot be used.*fields of a table/],
    [[{ name: 'x', prices: [{ model: 'm' }] }], /prices\[0\]\.prices\[0\]\.inputUsdPerMillionTokens/],
    [[{ name: 'x', prices: ['none'] }], /prices\[0\]\.prices\[0\]: none cannot be used/],
  ])('throws at set-up where it cannot work: %j', (source, message) => {
    expect(() => new PriceBook(source as never)).toThrow(message)
  })
})

describe('what a call was charged for', () => {
  const models: (readonly [string, string])[] = []

  beforeAll(async () => {
    for (const { id, models: listed } of (await waitForUpdate()) ?? []) {
      for (const model of listed) models.push([id, model.id])
    }
    expect(models.length).toBeGreaterThan(1_500)
  })

  const count = fc.oneof(fc.constant(0), fc.nat(400_000))
  const arbitrary = fc.record({
    place: fc.nat(),
    usage: fc.record({
      inputTokens: count,
      outputTokens: count,
      cacheReadInputTokens: count,
      cacheWriteInputTokens: count,
      reasoningOutputTokens: count,
    }),
    details: fc.option(
      fc.record({
        cacheWrite1hInputTokens: count,
        audioInputTokens: count,
        audioCacheReadInputTokens: count,
        audioOutputTokens: count,
        imageInputTokens: count,
        imageCacheReadInputTokens: count,
        imageOutputTokens: count,
        serviceTier: fc.constantFrom(undefined, 'batch', 'flex', 'priority'),
      }),
      { nil: undefined },
    ),
  })

  it('comes to exactly what it cost, in whole billionths, whatever the model and the call', () => {
    let priced = 0
    fc.assert(
      fc.property(arbitrary, ({ place, usage, details }) => {
        const [provider, model] = models[place % models.length]!
        const call = callOf(provider, model, usage, details)
        const nanoUsd = book.price(call)
        const breakdown = book.costBreakdown(call)
        expect(breakdown?.nanoUsd).toBe(nanoUsd)
        if (breakdown === undefined) return
        priced++
        const parts = Object.values(breakdown.buckets)
        expect(parts.every((part) => Number.isInteger(part) && part > 0)).toBe(true)
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(nanoUsd)
      }),
      { numRuns: 3_000 },
    )
    expect(priced).toBeGreaterThan(500)
  })

  it('is what the package itself says, where its list has a rate for every kind of token', () => {
    const speech = models.filter(([provider, model]) => provider === 'openai' && model.startsWith('gpt-realtime'))
    expect(speech.length).toBeGreaterThan(2)
    const parts = fc.array(fc.oneof(fc.constant(0), fc.nat(9_000)), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(fc.constantFrom(...speech), parts, ([provider, model], tokens) => {
        const [text, textRead, audio, audioRead, image, imageRead, textOut, audioOut] = tokens as [
          number,
          number,
          number,
          number,
          number,
          number,
          number,
          number,
        ]
        const inputTokens = text + textRead + audio + audioRead + image + imageRead
        const cacheReadInputTokens = textRead + audioRead + imageRead
        const call = callOf(
          provider,
          model,
          { inputTokens, cacheReadInputTokens, outputTokens: textOut + audioOut },
          {
            audioInputTokens: audio + audioRead,
            audioCacheReadInputTokens: audioRead,
            imageInputTokens: image + imageRead,
            imageCacheReadInputTokens: imageRead,
            audioOutputTokens: audioOut,
          },
        )
        const theirs = calcPrice(
          {
            input_tokens: inputTokens,
            cache_read_tokens: cacheReadInputTokens,
            output_tokens: textOut + audioOut,
            input_audio_tokens: audio + audioRead,
            cache_audio_read_tokens: audioRead,
            input_image_tokens: image + imageRead,
            cache_image_read_tokens: imageRead,
            output_audio_tokens: audioOut,
          },
          model,
          { providerId: provider, timestamp: new Date(call.timeUnixMillis) },
        )
        expect(book.price(call)).toBeCloseTo((theirs?.total_price ?? Number.NaN) * 1e9, -1)
      }),
    )
  })
})

/** The real package, with other prices for every model of one provider. */
function relisted(prices: ModelInfo['prices'], providerId: string): PriceBook {
  const genaiPrices = {
    findProvider,
    calcPrice: ((usage, modelId, options) => {
      const models = [{ id: modelId, match: { equals: modelId }, prices }]
      const provider = { id: providerId, name: providerId, api_pattern: '', models }
      const timestamp = options?.timestamp
      return calcPrice(usage, modelId, timestamp === undefined ? { provider } : { provider, timestamp })
    }) as typeof calcPrice,
  }
  return new PriceBook('genai-prices', {
    genaiPackage: { version: undefined, load: () => ({ status: 'ready', genaiPrices }) },
  })
}
