import type { HrTime } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { configureRunspan, recordLlmCall, recordToolCall, wrapAgent } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, kind } from '../support/trace-text.ts'

const started: HrTime = [1_700_000_000, 250_000_000]
const ended: HrTime = [1_700_000_003, 500_000_000]

describe('recordLlmCall', () => {
  it('is a finished model call below whatever is active, with its own times, usage and cost', async () => {
    await using spans = recordSpans()
    const { runId, ended: runEnded } = await wrapAgent('planner', () => {
      recordLlmCall({
        model: 'small-model',
        provider: 'openai',
        inputTokens: 100,
        outputTokens: 20,
        cacheReadInputTokens: 60,
        cacheWriteInputTokens: 5,
        reasoningOutputTokens: 8,
        costUsd: 0.0012,
        input: [{ role: 'user', content: 'hi' }],
        output: 'hello',
        startTime: started,
        endTime: ended,
      })
      recordLlmCall({ model: 'small-model', provider: 'anthropic', error: new RangeError('too long') })
    })
    expectTrace(
      spans.tree(runId, {
        kind,
        provider: 'gen_ai.provider.name',
        in: 'gen_ai.usage.input_tokens',
        out: 'gen_ai.usage.output_tokens',
        read: 'gen_ai.usage.cache_read.input_tokens',
        write: 'gen_ai.usage.cache_write.input_tokens',
        reasoning: 'gen_ai.usage.reasoning.output_tokens',
        nano: 'runspan.call.cost.nano_usd',
        type: 'error.type',
      }),
    ).toBe(`
      invoke_agent planner
        chat small-model    kind=CLIENT provider=openai in=100 out=20 read=60 write=5 reasoning=8 nano=1200000
        chat small-model    kind=CLIENT provider=anthropic type=RangeError ERROR
    `)
    const call = spans.of(runId)[1]!
    expect([call.startTime, call.endTime, call.duration]).toEqual([started, ended, [3, 250_000_000]])
    expect(call.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'small-model',
      'gen_ai.input.messages': '[{"role":"user","content":"hi"}]',
      'runspan.output': '"hello"',
    })
    expect((await runEnded).totals).toMatchObject({ llmCalls: 2, errors: 1, costNanoUsd: 1_200_000n })
  })

  it('takes times as numbers and dates, and now by default', async () => {
    await using spans = recordSpans()
    const now = Date.now()
    recordLlmCall({ model: 'm', provider: 'p', startTime: now - 5000, endTime: new Date(now - 2000) })
    recordLlmCall({ model: 'm', provider: 'p' })
    const [dated, undated] = spans.all
    expect(dated!.duration).toEqual([3, 0])
    expect(undated!.duration[0]).toBe(0)
    expect(undated!.startTime[0] * 1000).toBeGreaterThan(now - 2000)
  })

  it('leaves out numbers that count nothing', async () => {
    await using spans = recordSpans()
    recordLlmCall({
      model: 'm',
      provider: 'p',
      inputTokens: -1,
      outputTokens: Number.NaN,
      cacheReadInputTokens: Number.POSITIVE_INFINITY,
      reasoningOutputTokens: '7' as never,
      costUsd: -0.1,
    })
    expect(Object.keys(spans.all[0]!.attributes).filter((key) => /usage|cost/.test(key))).toEqual([])
  })
})

describe('recordToolCall', () => {
  it('is a finished tool call with arguments and result, inside a run or not', async () => {
    await using spans = recordSpans()
    const call = { name: 'lookup', input: { id: 7 }, output: ['row'], startTime: started, endTime: ended }
    const { runId } = await wrapAgent('planner', () => recordToolCall(call), { conversationId: 'c-1' })
    recordToolCall({ ...call, conversationId: 'c-2', userId: 'u-2' })
    const shown = {
      args: 'gen_ai.tool.call.arguments',
      result: 'gen_ai.tool.call.result',
      tool: 'gen_ai.tool.name',
      conversation: 'gen_ai.conversation.id',
      user: 'user.id',
    }
    expectTrace(spans.text(shown)).toBe(`
      invoke_agent planner   conversation=c-1
        execute_tool lookup  args={"id":7} result=["row"] tool=lookup conversation=c-1
      execute_tool lookup    args={"id":7} result=["row"] tool=lookup conversation=c-2 user=u-2
    `)
    expect(spans.of(runId)[1]!.duration).toEqual([3, 250_000_000])
    configureRunspan({ content: 'off' })
    recordToolCall(call)
    expect(Object.keys(spans.all.at(-1)!.attributes)).toEqual(['gen_ai.operation.name', 'gen_ai.tool.name'])
  })
})
