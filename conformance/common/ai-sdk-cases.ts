import { z } from 'zod'

import type { Case, Kit } from '../harness/producer.ts'
import { withGaps, type Gaps } from './gaps.ts'
import { longSystem, question } from './texts.ts'
import { unwrapped } from './unwrapped.ts'

/**
 * What the majors of the AI SDK have in common. Their types differ in every detail, so options are not checked against
 * them here.
 */
interface AiSdk {
  generateText(options: never): PromiseLike<unknown>
  streamText(options: never): { readonly textStream: AsyncIterable<string> }
  generateObject(options: never): PromiseLike<unknown>
  streamObject(options: never): { readonly partialObjectStream: AsyncIterable<unknown> }
  embed(options: never): PromiseLike<unknown>
  embedMany(options: never): PromiseLike<unknown>
  tool(options: never): unknown
}

/** `@ai-sdk/openai` and `@ai-sdk/anthropic` of that major. */
interface Providers {
  createOpenAI(options: { baseURL: string; apiKey: string; fetch?: typeof fetch }): {
    (model: never): unknown
    chat(model: never): unknown
    embedding(model: never): unknown
  }
  createAnthropic(options: { baseURL: string; apiKey: string; fetch?: typeof fetch }): (model: never) => unknown
}

export interface AiSdkSetUp extends AiSdk, Providers {
  /** What stops after so many steps: its name differs between majors. */
  readonly stopAfter: (steps: number) => unknown
  /** What every call is given so that it is traced. */
  readonly telemetry: object
}

/** Where the majors differ. */
interface Differences {
  /** A request that is tried again is a span each time, or all tries are one span. */
  readonly tries: 'a span each' | 'one span'
  /** What becomes of the span of a stream that is aborted. @defaultValue 'unpriced' */
  readonly aborted?: 'unpriced' | 'open'
  readonly gaps?: Gaps
}

const schema = z.object({ title: z.string(), points: z.array(z.string()), sure: z.boolean() })

/** Asks Anthropic twice with a prompt that is to be kept in a cache. */
async function askTwice(ask: (options: object) => PromiseLike<unknown>, ttl: '5m' | '1h'): Promise<void> {
  const providerOptions = { anthropic: { cacheControl: { type: 'ephemeral', ttl } } }
  const system = { role: 'system', content: longSystem, providerOptions }
  for (const content of [question, 'And what ends one?']) {
    await ask({ messages: [system, { role: 'user', content }], allowSystemInMessages: true })
  }
}

/** Everything the AI SDK can do that costs something. */
export function aiSdkCases(sdk: AiSdkSetUp, { tries, aborted, gaps = {} }: Differences): readonly Case[] {
  const call = (options: object): never => ({ maxRetries: 2, ...options, ...sdk.telemetry }) as never
  const openai = ({ baseUrl: baseURL, fetching }: Kit) => sdk.createOpenAI({ baseURL, apiKey: 'none', ...fetching })
  const anthropic = ({ baseUrl: baseURL, fetching }: Kit) =>
    sdk.createAnthropic({ baseURL, apiKey: 'none', ...fetching })
  const responses = (kit: Kit, model = 'gpt-4.1-mini') => openai(kit)(model as never)
  const chat = (kit: Kit) => openai(kit).chat('gpt-4.1-mini' as never)
  const claude = (kit: Kit) => anthropic(kit)('claude-sonnet-4-5' as never)
  const embedding = (kit: Kit) => openai(kit).embedding('text-embedding-3-small' as never)
  const agentic = (kit: Kit) => ({
    system: longSystem,
    prompt: question,
    tools: {
      search: sdk.tool({
        description: 'Searches the library.',
        inputSchema: z.object({ query: z.string() }),
        execute: ({ query }: { query: string }) => kit.search(query),
      } as never),
    },
    stopWhen: sdk.stopAfter(5),
    // The server keeps no answers that a later request could name.
    providerOptions: { openai: { store: false } },
  })
  const readAll = async (options: object) => {
    for await (const piece of sdk.streamText(call(options)).textStream) void piece
  }
  const triesPerSpan = tries === 'one span' ? 3 : 1
  const cases: readonly Case[] = [
    { title: 'generateText', run: (kit) => sdk.generateText(call({ model: responses(kit), prompt: question })) },
    {
      title: 'generateText, chat completions',
      run: (kit) => sdk.generateText(call({ model: chat(kit), prompt: question })),
    },
    {
      title: 'generateText, steps with tools',
      run: (kit) => sdk.generateText(call({ model: responses(kit), ...agentic(kit) })),
    },
    { title: 'streamText', run: (kit) => readAll({ model: responses(kit), prompt: question }) },
    { title: 'streamText, steps with tools', run: (kit) => readAll({ model: chat(kit), ...agentic(kit) }) },
    {
      title: 'generateObject',
      run: (kit) => sdk.generateObject(call({ model: responses(kit), schema, prompt: question })),
    },
    {
      title: 'streamObject',
      run: async (kit) => {
        const { partialObjectStream } = sdk.streamObject(call({ model: responses(kit), schema, prompt: question }))
        for await (const part of partialObjectStream) void part
      },
    },
    {
      title: 'a model that reasons',
      run: (kit) => sdk.generateText(call({ model: responses(kit, 'gpt-5-mini'), prompt: question })),
    },
    { title: 'embed', run: (kit) => sdk.embed(call({ model: embedding(kit), value: question })) },
    {
      title: 'embedMany, one request',
      run: (kit) => sdk.embedMany(call({ model: embedding(kit), values: [question, longSystem] })),
    },
    {
      title: 'embedMany, two requests',
      // The provider takes 2048 values at once.
      run: (kit) => {
        const values = Array.from({ length: 2050 }, (_, index) => `part ${index}`)
        return sdk.embedMany(call({ model: embedding(kit), values, providerOptions: { openai: { dimensions: 8 } } }))
      },
    },
    {
      title: 'six calls at once',
      run: (kit) =>
        Promise.all(
          Array.from({ length: 6 }, (_, index) =>
            sdk.generateText(call({ model: chat(kit), prompt: `${question} For the ${index}th time.` })),
          ),
        ),
    },
    {
      title: 'refused once, then answered',
      refused: [429],
      failed: { calls: tries === 'one span' ? 0 : 1 },
      run: (kit) => sdk.generateText(call({ model: chat(kit), prompt: question })),
    },
    {
      title: 'refused for good',
      refused: [429, 429, 429],
      failed: { calls: 3 / triesPerSpan },
      run: async (kit) => {
        const answered = await sdk.generateText(call({ model: chat(kit), prompt: question })).then(
          () => true,
          () => false,
        )
        if (answered) throw new Error('a refused call was answered')
      },
    },
    {
      title: 'a stream that is aborted',
      hangsUpAfter: 2,
      untold: {
        is: (entry) => !entry.usageSent,
        because:
          aborted === 'open'
            ? 'The AI SDK never ends the spans of a stream that is aborted. The run says that a part is missing.'
            : 'OpenAI says the usage at the end of a stream. Who hangs up before does not learn it.',
        ends: aborted,
      },
      run: async (kit) => {
        const abort = new AbortController()
        const options = { model: chat(kit), prompt: longSystem.replaceAll('\n', ' '), abortSignal: abort.signal }
        try {
          for await (const piece of sdk.streamText(call({ ...options, onError() {} })).textStream) {
            if (piece !== '') abort.abort()
          }
        } catch (error) {
          if (!abort.signal.aborted) throw error
        }
      },
    },
    {
      title: 'Anthropic, steps with tools',
      run: (kit) => sdk.generateText(call({ model: claude(kit), ...agentic(kit) })),
    },
    { title: 'Anthropic, a stream', run: (kit) => readAll({ model: claude(kit), prompt: question }) },
    {
      title: 'Anthropic, cache written for 5 minutes, then read',
      run: (kit) => askTwice((options) => sdk.generateText(call({ model: claude(kit), ...options })), '5m'),
    },
    {
      title: 'Anthropic, cache written for an hour, then read',
      run: (kit) => askTwice((options) => sdk.generateText(call({ model: claude(kit), ...options })), '1h'),
    },
    {
      title: 'Anthropic, streams from the cache',
      run: (kit) => askTwice((options) => readAll({ model: claude(kit), ...options }), '5m'),
    },
  ]
  return withGaps(cases, gaps)
}

/** Those of them that are done without `wrapAgent` too. */
export function unwrappedAiSdkCases(cases: readonly Case[]): readonly Case[] {
  return unwrapped(
    cases,
    ['generateText', 'generateText, steps with tools', 'streamText, steps with tools', 'generateObject'],
    'streamText, steps with tools',
  )
}
