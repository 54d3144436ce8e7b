import { describe, expect, it } from 'vitest'

import { configureRunspan, currentRunId, llm, recordLlmCall, tool, withSpan, wrapAgent } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'
import { callInAnotherFile } from './another-file.ts'

describe('runs and spans', () => {
  it('T1 wrapAgent resolves result and runId, and runId equals run.runId inside', async () => {
    await using spans = recordSpans()
    const { result, runId } = await wrapAgent('planner', (run) => run.runId)
    expect(result).toBe(runId)
    expect(spans.root(runId).name).toBe('invoke_agent planner')
  })

  it('T2 the output is what setOutput was given, else the return value where content is switched on', async () => {
    await using spans = recordSpans()
    const explicit = await wrapAgent('planner', (run) => {
      run.setOutput({ plan: 'explicit' })
      return 'returned'
    })
    const silent = await wrapAgent('planner', () => 'returned')
    configureRunspan({ content: 'all' })
    const returned = await wrapAgent('planner', () => 'returned')
    const overridden = await wrapAgent('planner', (run) => {
      run.setOutput('set')
      return 'returned'
    })
    const outputs = [explicit, silent, returned, overridden].map(
      ({ runId }) => spans.root(runId).attributes['runspan.output'],
    )
    expect(outputs).toEqual(['{"plan":"explicit"}', undefined, '"returned"', '"set"'])
  })

  it('T3 a throw marks the run failed with type, message, status code and stack, and is rethrown unchanged', async () => {
    await using spans = recordSpans()
    class RateLimitError extends Error {
      override readonly name = 'RateLimitError'
      readonly statusCode = 429
    }
    const thrown = Object.freeze(new RateLimitError('slow down'))
    let runId = ''
    const attempt = wrapAgent('planner', (run) => {
      runId = run.runId
      throw thrown
    })
    await expect(attempt).rejects.toBe(thrown)
    const root = spans.root(runId)
    expect(root.status).toEqual({ code: 2, message: 'slow down' })
    expect(root.attributes).toMatchObject({
      'runspan.run.status': 'failed',
      'error.type': 'RateLimitError',
      'http.response.status_code': 429,
    })
    expect(root.events.map(({ name, attributes }) => ({ name, ...attributes }))).toEqual([
      {
        name: 'exception',
        'exception.type': 'RateLimitError',
        'exception.message': 'slow down',
        'exception.stacktrace': thrown.stack,
      },
    ])
  })

  it('T4 an output that says error fails nothing; a throw, setError and setStatus do', async () => {
    await using spans = recordSpans()
    const quiet = await wrapAgent('quiet', (run) => {
      withSpan('step', (span) => span.setOutput({ status: 'error' }))
      run.setOutput({ status: 'error' })
    })
    const reported = await wrapAgent('reported', (run) => {
      withSpan('step', (span) => span.setError(new TypeError('odd')))
      run.setError(new TypeError('odder'))
    })
    const decided = await wrapAgent('decided', (run) => run.setStatus('failed', 'no rows').runId)
    const status = 'runspan.run.status'
    expectTrace(spans.tree(quiet.runId, { status })).toBe(`
      invoke_agent quiet  status=completed
        step
    `)
    expectTrace(spans.tree(reported.runId, { status, type: 'error.type', message: (span) => span.status.message }))
      .toBe(`
        invoke_agent reported  status=failed type=TypeError message=odder ERROR
          step                 type=TypeError message=odd ERROR
      `)
    expectTrace(spans.tree(decided.runId, { status, type: 'error.type', message: (span) => span.status.message }))
      .toBe(`
        invoke_agent decided  status=failed type=_OTHER message=no rows ERROR
      `)
  })

  it('T5 throwing a string or plain object keeps its text', async () => {
    await using spans = recordSpans()
    const messageOf = async (thrown: unknown): Promise<unknown> => {
      let runId = ''
      const attempt = wrapAgent('planner', (run) => {
        runId = run.runId
        throw thrown
      })
      await expect(attempt).rejects.toBe(thrown)
      const { events, attributes, status } = spans.root(runId)
      expect(attributes['runspan.run.status']).toBe('failed')
      return [attributes['error.type'], events[0]?.attributes?.['exception.message'], status.message]
    }
    expect(await messageOf('out of rows')).toEqual(['string', 'out of rows', 'out of rows'])
    expect(await messageOf({ reason: 'rows' })).toEqual(['Object', '{"reason":"rows"}', '{"reason":"rows"}'])
    expect(await messageOf({ message: 'm', code: 'E1' })).toEqual(['Object', 'm', 'm'])
    expect(await messageOf(undefined)).toEqual(['undefined', 'undefined', 'undefined'])
    expect(await messageOf(7n)).toEqual(['bigint', '7n', '7n'])
  })

  it('T6 spans nest under the run through awaits, Promise.all and other files, without passing ids', async () => {
    await using spans = recordSpans()
    const fetchRows = tool('fetch rows', async (table: string) => {
      await Promise.resolve()
      return withSpan(`parse ${table}`, () => table.length)
    })
    const { runId } = await wrapAgent('planner', async () => {
      await Promise.resolve()
      await Promise.all([fetchRows('a'), fetchRows('bb')])
      await callInAnotherFile()
      await new Promise<void>((resolve) => setImmediate(() => resolve(withSpan('in a callback', () => {}))))
    })
    expectTrace(spans.tree(runId)).toBe(`
      invoke_agent planner
        execute_tool fetch rows
          parse a
        execute_tool fetch rows
          parse bb
        execute_tool elsewhere
          chat small-model
        in a callback
    `)
  })

  it('T7 outside a run, the function runs and its span is an ordinary one that belongs to no run', async () => {
    await using spans = recordSpans()
    expect(withSpan('step', () => currentRunId() ?? 'no run')).toBe('no run')
    recordLlmCall({ model: 'small-model', provider: 'openai', inputTokens: 3 })
    expectTrace(spans.text({ run: 'runspan.run.id', in: 'gen_ai.usage.input_tokens' })).toBe(`
      step
      chat small-model  in=3
    `)
    // Inside one, they do belong to it.
    const { runId } = await wrapAgent('planner', () => withSpan('step', () => currentRunId()))
    expect(spans.of(runId).map(({ name }) => name)).toEqual(['invoke_agent planner', 'step'])
  })

  it('T8 tool does not call its function; each call emits one span with arguments and result', async () => {
    await using spans = recordSpans()
    configureRunspan({ content: 'all' })
    let calls = 0
    const add = tool('add', (a: number, b: number) => {
      calls++
      return a + b
    })
    const greet = tool('greet', (person: { name: string }) => `hello ${person.name}`)
    expect(calls).toBe(0)
    const { runId, result } = await wrapAgent('planner', () => [add(1, 2), add(3, 4), greet({ name: 'Ada' })].join())
    expect([calls, result]).toEqual([2, '3,7,hello Ada'])
    expectTrace(
      spans.tree(runId, {
        tool: 'gen_ai.tool.name',
        args: 'gen_ai.tool.call.arguments',
        result: 'gen_ai.tool.call.result',
      }),
    ).toBe(`
      invoke_agent planner
        execute_tool add    tool=add args=[1,2] result=3
        execute_tool add    tool=add args=[3,4] result=7
        execute_tool greet  tool=greet args={"name":"Ada"} result="hello Ada"
    `)
  })

  it('T9 llm reads tokens of OpenAI, Anthropic and Google answers, else with extractUsage', async () => {
    await using spans = recordSpans()
    const answers = {
      openai: { model: 'gpt-x', usage: { prompt_tokens: 10, completion_tokens: 1 } },
      anthropic: { model: 'claude-x', usage: { input_tokens: 20, output_tokens: 2 } },
      google: { modelVersion: 'gemini-x', usageMetadata: { promptTokenCount: 30, candidatesTokenCount: 3 } },
      unknown: { cost: { words: 40 } },
    }
    const { runId } = await wrapAgent('planner', async () => {
      for (const [name, answer] of Object.entries(answers)) {
        await llm(name, () => Promise.resolve(answer), {
          extractUsage: () => (name === 'unknown' ? { inputTokens: 40, outputTokens: 4 } : undefined),
        })()
      }
    })
    expectTrace(
      spans.tree(runId, {
        model: 'gen_ai.response.model',
        in: 'gen_ai.usage.input_tokens',
        out: 'gen_ai.usage.output_tokens',
      }),
    ).toBe(`
      invoke_agent planner
        chat openai         model=gpt-x in=10 out=1
        chat anthropic      model=claude-x in=20 out=2
        chat google         model=gemini-x in=30 out=3
        chat unknown        in=40 out=4
    `)
  })

  it('T10 totals are sums over the model calls, counts come from the spans, and the user can set none', async () => {
    await using spans = recordSpans()
    const { runId, ended } = await wrapAgent('planner', (run) => {
      // The run's own report counts only where no model call below reported any.
      run.setUsage({ inputTokens: 1_000_000 })
      run.setAttribute('runspan.usage.input_tokens', 999).setAttribute('runspan.spans', 999)
      recordLlmCall({ model: 'small-model', provider: 'openai', inputTokens: 100, outputTokens: 20 })
      recordLlmCall({ model: 'small-model', provider: 'openai', inputTokens: 10, outputTokens: 2 })
      tool('search', () => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 1 }))()
      tool('look up', () => {})()
      withSpan('not a model call', (span) => span.setAttribute('tokens', 5000).setError(new Error('odd')))
    })
    expectTrace(
      spans.tree(runId, {
        in: 'runspan.usage.input_tokens',
        out: 'runspan.usage.output_tokens',
        llm: 'runspan.calls.llm',
        tool: 'runspan.calls.tool',
        spans: 'runspan.spans',
        errors: 'runspan.errors',
      }),
    ).toBe(`
      invoke_agent planner      in=111 out=22 llm=3 tool=2 spans=7 errors=1
        chat small-model
        chat small-model
        execute_tool search
          chat m
        execute_tool look up
        not a model call        ERROR
    `)
    const { totals } = await ended
    expect(totals).toMatchObject({ inputTokens: 111, outputTokens: 22, llmCalls: 3, toolCalls: 2, spans: 7, errors: 1 })
  })

  it('T11 the loop is one run: an iteration is no span, a model call and a dispatch are one each', async () => {
    await using spans = recordSpans()
    const act = tool('act', (step: number) => step)
    const { runId } = await wrapAgent('planner', async () => {
      for (let step = 0; step < 3; step++) {
        await llm('think', () => Promise.resolve({ usage: { prompt_tokens: 1, completion_tokens: 1 } }))()
        act(step)
      }
    })
    expectTrace(spans.tree(runId, { llm: 'runspan.calls.llm', tool: 'runspan.calls.tool' })).toBe(`
      invoke_agent planner  llm=3 tool=3
        chat think
        execute_tool act
        chat think
        execute_tool act
        chat think
        execute_tool act
    `)
  })
})
