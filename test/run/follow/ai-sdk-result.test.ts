import { setTimeout as delay } from 'node:timers/promises'
import { Output, streamObject, streamText, type StreamTextResult } from 'ai'
import { MockLanguageModelV3, MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { llm, wrapAgent } from '../../../src/index.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { Whereabouts, endOf, hosts } from '../../support/hosts.ts'
import { recordSpans } from '../../support/record-spans.ts'

// It warns that streamObject is deprecated.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

const usage = {
  inputTokens: { total: 100, noCache: 60, cacheRead: 40, cacheWrite: 0 },
  outputTokens: { total: 50, text: 50, reasoning: 0 },
}
const finish = { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage } as const
const hello = [
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'hel' },
  { type: 'text-delta', id: '1', delta: 'lo' },
  { type: 'text-end', id: '1' },
  finish,
] as const

/** A model that streams these parts, one for each that is asked for. */
function model(parts: readonly object[], where?: Whereabouts): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider: 'openai',
    modelId: 'gpt-4o-mini',
    doStream: async () => ({
      stream: simulateReadableStream({ chunks: [...parts] as never[] }).pipeThrough(
        new TransformStream({
          transform(part, controller) {
            where?.step()
            controller.enqueue(part)
          },
        }),
      ) as never,
    }),
  })
}

type Result = StreamTextResult<never, never, never>
const text = (parts: readonly object[] = hello, where?: Whereabouts): Result =>
  streamText({ model: model(parts, where), prompt: 'hi', onError: () => {} }) as never

async function textOf(stream: AsyncIterable<string>): Promise<string> {
  let all = ''
  for await (const part of stream) all += part
  return all
}

const views: readonly (readonly [string, (result: Result) => Promise<unknown>, unknown])[] = [
  ['textStream', (result) => textOf(result.textStream), 'hello'],
  ['its promises alone', async (result) => result.text, 'hello'],
  ['several promises', async (result) => Promise.all([result.text, result.finishReason]), ['hello', 'stop']],
  ['toTextStreamResponse', (result) => result.toTextStreamResponse().text(), 'hello'],
  [
    'toUIMessageStream',
    async (result) => {
      const types: string[] = []
      for await (const part of result.toUIMessageStream()) types.push(part.type)
      return types
    },
    ['start', 'start-step', 'text-start', 'text-delta', 'text-delta', 'text-end', 'finish-step', 'finish'],
  ],
  [
    'toUIMessageStreamResponse',
    async (result) => (await result.toUIMessageStreamResponse().text()).endsWith('data: [DONE]\n\n'),
    true,
  ],
  ['consumeStream', async (result) => result.consumeStream(), undefined],
  ['two streams', (result) => Promise.all([textOf(result.textStream), textOf(result.textStream)]), ['hello', 'hello']],
]

describe.each(hosts)('$name of streamText', (host) => {
  it.each(views)('lasts until it has been read by %s', async (_view, read, expected) => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    let made: Result | undefined
    const hosted = await host.start(spans, () => (made = text(hello, where)))
    expect(hosted.result).toBe(made)
    expect(endOf(hosted.span())).toBe('open')
    where.outside()
    expect(await read(hosted.result)).toEqual(expected)
    where.outside()
    // The promises resolve a few ticks before the stream closes.
    await delay(0)
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(hello.length, hosted)
    hosted.close()
  })

  it('fails where the model fails in mid-stream, although the stream ends as if nothing had happened', async () => {
    await using spans = recordSpans()
    const thrown = new RangeError('overloaded')
    const hosted = await host.start(spans, () => text([hello[0], hello[1], { type: 'error', error: thrown }, finish]))
    expect(await textOf(hosted.result.textStream)).toBe('hel')
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    expect(hosted.span()!.events.map((event) => event.attributes?.['exception.message'])).toEqual(['overloaded'])
    hosted.close()
  })

  it('fails where the model cannot even be called', async () => {
    await using spans = recordSpans()
    const broken = new MockLanguageModelV4({ doStream: () => Promise.reject(new RangeError('no key')) })
    const hosted = await host.start(spans, () =>
      streamText({ model: broken, prompt: 'hi', maxRetries: 0, onError: () => {} }),
    )
    await hosted.result.consumeStream()
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    hosted.close()
  })

  it('is cancelled where it is aborted, with the reason', async () => {
    await using spans = recordSpans()
    const aborting = new AbortController()
    const hosted = await host.start(spans, () =>
      streamText({ model: model(hello), prompt: 'hi', abortSignal: aborting.signal, onError: () => {} }),
    )
    const reader = hosted.result.textStream.getReader()
    await reader.read()
    aborting.abort(new DOMException('the visitor left', 'AbortError'))
    while (!(await reader.read()).done);
    expect(endOf(hosted.span())).toMatch(/^cancelled: (AbortError: the visitor left|cancelled)$/)
    hosted.close()
  })

  it('is abandoned where nobody reads it', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => text())
    clock.advance(300_000)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.close()
  })
})

describe('streamText in a run', () => {
  it('is a timeout where the run’s own signal has run out', async () => {
    await using spans = recordSpans()
    const deadline = new AbortController()
    const { result, runId } = await wrapAgent(
      'chat',
      (run) => streamText({ model: model(hello), prompt: 'hi', abortSignal: run.signal, onError: () => {} }),
      { signal: deadline.signal },
    )
    const reader = result.textStream.getReader()
    await reader.read()
    deadline.abort(new DOMException('too slow', 'TimeoutError'))
    while (!(await reader.read()).done);
    expect(spans.root(runId).attributes).toMatchObject({ 'runspan.run.status': 'timeout', 'error.type': 'timeout' })
  })

  it('is handed over before its first part, and its totals are there when it has ended', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const ask = llm('answer', () => text(), { model: 'gpt-4o-mini', provider: 'openai' })
    const { result, runId, ended } = await wrapAgent('chat', () => ask())
    const response = result.toTextStreamResponse({ headers: { 'x-run-id': runId } })
    expect(response.headers.get('x-run-id')).toBe(runId)
    expect(await response.text()).toBe('hello')
    expect(await ended).toMatchObject({
      status: 'completed',
      totals: { inputTokens: 100, outputTokens: 50, llmCalls: 1 },
    })
    expect(spans.of(runId)[1]!.attributes).toMatchObject({ 'gen_ai.usage.cache_read.input_tokens': 40 })
  })

  it('of the model interface before is followed as well', async () => {
    await using spans = recordSpans()
    const older = new MockLanguageModelV3({
      doStream: async () => ({ stream: simulateReadableStream({ chunks: [...hello] as never[] }) }),
    })
    const { result, runId } = await wrapAgent('chat', () => streamText({ model: older, prompt: 'hi' }))
    expect(await textOf(result.textStream)).toBe('hello')
    expect(endOf(spans.root(runId))).toBe('completed')
  })

  it('with an output of a shape lasts until that has been read', async () => {
    await using spans = recordSpans()
    const json = [hello[0], { type: 'text-delta', id: '1', delta: '{"city":"Oslo"}' }, hello[3], finish]
    const { result, runId } = await wrapAgent('chat', () =>
      streamText({
        model: model(json),
        prompt: 'hi',
        output: Output.object({ schema: z.object({ city: z.string() }) }),
      }),
    )
    expect(await result.output).toEqual({ city: 'Oslo' })
    await delay(0)
    expect(endOf(spans.root(runId))).toBe('completed')
  })

  it('is followed as streamObject, too', async () => {
    await using spans = recordSpans()
    const json = [hello[0], { type: 'text-delta', id: '1', delta: '{"city":"Oslo"}' }, hello[3], finish]
    const where = new Whereabouts()
    const { result, runId } = await wrapAgent('chat', () =>
      streamObject({ model: model(json, where), prompt: 'hi', schema: z.object({ city: z.string() }) }),
    )
    const seen: unknown[] = []
    for await (const partial of result.partialObjectStream) {
      where.outside()
      seen.push(partial)
    }
    expect(seen.at(-1)).toEqual({ city: 'Oslo' })
    expect(await result.object).toEqual({ city: 'Oslo' })
    expect(endOf(spans.root(runId))).toBe('completed')
  })
})
