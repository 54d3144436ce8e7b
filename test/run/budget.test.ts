import { diag } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { RunspanError, joinRun, llm, startRun, stats, wrapAgent, type RunBudget } from '../../src/index.ts'
import { chat, emitSpans, operation } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

function quiet(): void {}

const gpt = { 'gen_ai.request.model': 'gpt-5' }

describe('a run that goes over its budget', () => {
  const cases: readonly (readonly [RunBudget, string])[] = [
    [{ costUsd: 0.5 }, 'costUsd 0.75 is over the budget of 0.5'],
    [{ inputTokens: 25 }, 'inputTokens 30 is over the budget of 25'],
    [{ outputTokens: 2 }, 'outputTokens 3 is over the budget of 2'],
    [{ totalTokens: 32 }, 'totalTokens 33 is over the budget of 32'],
    [{ llmCalls: 2 }, 'llmCalls 3 is over the budget of 2'],
  ]

  it.each(cases)('of %j is told so by its signal, and fails with a clear reason', async (budget, why) => {
    await using spans = recordSpans({ rollup: { prices: () => 0.25 } })
    let calls = 0
    const running = wrapAgent(
      'planner',
      (run) => {
        for (; calls < 10; calls++) {
          run.signal.throwIfAborted()
          emitSpans([chat(10, 1, { attributes: gpt })])
        }
      },
      { budget },
    )
    const error: unknown = await running.catch((thrown: unknown) => thrown)
    expect(calls).toBe(3)
    expect(RunspanError.is(error) && error.code).toBe('budget_exceeded')
    expect((error as Error).message).toContain(why)
    const root = spans.all.find((span) => span.name === 'invoke_agent planner')!
    expect(root.attributes).toMatchObject({
      'runspan.run.status': 'failed',
      'runspan.run.status_reason': 'budget_exceeded',
      'error.type': 'budget_exceeded',
      'runspan.calls.llm': 3,
    })
    expect(root.status.message).toContain(why)
  })

  it('counts tool calls too', async () => {
    await using _ = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner', { budget: { toolCalls: 1 } })
    run.with(() => emitSpans([operation('execute_tool')]))
    expect(run.signal.aborted).toBe(false)
    run.with(() => emitSpans([operation('execute_tool')]))
    expect(run.signal.aborted).toBe(true)
    run.end()
  })

  it('may reach each limit, and a run without a budget is never stopped', async () => {
    await using _ = recordSpans({ rollup: { prices: () => 0.25 } })
    const limited = startRun('planner', { budget: { costUsd: 0.25, llmCalls: 1, totalTokens: 11 } })
    limited.with(() => emitSpans([chat(10, 1, { attributes: gpt })]))
    expect(limited.signal.aborted).toBe(false)
    limited.end()
    const free = startRun('planner')
    free.with(() => emitSpans(Array.from({ length: 50 }, () => chat(1000))))
    expect(free.signal.aborted).toBe(false)
    free.end()
  })

  it('is told whoever asks for the signal later, and what listened before', async () => {
    await using _ = recordSpans({ rollup: { prices: 'none' } })
    const early = startRun('early', { budget: { llmCalls: 0 } })
    let heard: unknown
    early.signal.addEventListener('abort', () => (heard = early.signal.reason))
    early.with(() => emitSpans([chat(1)]))
    expect(heard).toMatchObject({ code: 'budget_exceeded' })
    early.end()
    const late = startRun('late', { budget: { llmCalls: 0 } })
    late.with(() => emitSpans([chat(1)]))
    expect(late.signal.reason).toMatchObject({ code: 'budget_exceeded' })
    late.end()
  })

  it('fails where a client turns the abort into an AbortError of its own, and that leaves as it was thrown', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const abortError = new DOMException('This operation was aborted', 'AbortError')
    const call = llm('answer', (signal: AbortSignal) => {
      if (signal.aborted) throw abortError
      return { usage: { prompt_tokens: 5, completion_tokens: 1 } }
    })
    const running = wrapAgent(
      'planner',
      (run) => {
        for (;;) call(run.signal)
      },
      { budget: { inputTokens: 12 } },
    )
    await expect(running).rejects.toBe(abortError)
    expect(spans.span('invoke_agent planner').attributes).toMatchObject({
      'runspan.run.status': 'failed',
      'runspan.run.status_reason': 'budget_exceeded',
      'error.type': 'budget_exceeded',
      'runspan.usage.input_tokens': 15,
    })
  })

  it('keeps its own end where it stops in good order, with the reason', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { result, runId } = await wrapAgent(
      'planner',
      (run) => {
        while (!run.signal.aborted) emitSpans([chat(5)])
        return 'what I have so far'
      },
      { budget: { inputTokens: 12 } },
    )
    expect(result).toBe('what I have so far')
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.run.status': 'completed',
      'runspan.run.status_reason': 'budget_exceeded',
    })
  })

  it('stops the joined part that went over it too', async () => {
    await using _ = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner', { budget: { llmCalls: 1 } })
    joinRun(run.runId, () => {
      emitSpans([chat(1), chat(1)])
    })
    expect(run.signal.aborted).toBe(true)
    run.end()
  })

  it('does not pay for the runs it starts: they have budgets of their own', async () => {
    await using _ = recordSpans({ rollup: { prices: 'none' } })
    const { ended } = await wrapAgent('planner', () => wrapAgent('executor', () => emitSpans([chat(100)])), {
      budget: { inputTokens: 50 },
    })
    expect(await ended).toMatchObject({ status: 'completed' })
  })
})

describe('a budget', () => {
  it('that cannot limit anything is refused', async () => {
    await using _ = recordSpans()
    for (const budget of [{ costUsd: -1 }, { llmCalls: Number.NaN }, { tokens: 5 }, { costUsd: '5' }]) {
      expect(() => startRun('planner', { budget: budget as never })).toThrow(/^Failed to set the budget of a run: /)
      expect(() => wrapAgent('planner', () => 1, { budget: budget as never })).toThrow(/costUsd, inputTokens/)
    }
  })

  it('that nobody watches is warned about', async () => {
    await using _ = recordSpans({ rollup: 'none' })
    const warnings: string[] = []
    diag.setLogger(
      { warn: (text) => warnings.push(text), error: quiet, info: quiet, debug: quiet, verbose: quiet },
      { suppressOverrideMessage: true },
    )
    const before = stats().budgetsUnwatched
    startRun('planner', { budget: { costUsd: 1 } }).end()
    diag.disable()
    expect(stats().budgetsUnwatched).toBe(before + 1)
    expect(warnings.join('\n')).toContain('Add a RunRollupProcessor to the provider')
  })
})
