import { SpanStatusCode } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import {
  configureRunspan,
  currentRunId,
  llm,
  recordLlmCall,
  retrieval,
  startRun,
  tool,
  trace,
  withSpan,
  wrapAgent,
  type WorkType,
} from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, kind } from '../support/trace-text.ts'

const spend = (inputTokens: number): void => recordLlmCall({ model: 'm', provider: 'openai', inputTokens })

describe('the shape of a span', () => {
  it('follows from its type', async () => {
    await using spans = recordSpans()
    const types: WorkType[] = ['agent', 'llm', 'tool', 'retrieval', 'chain', 'function']
    for (const type of types) withSpan(`my ${type}`, () => {}, { type })
    withSpan('untyped', () => {})
    withSpan({ name: 'as one object', type: 'tool', toolName: 'search', attributes: { 'app.shard': 1 } }, () => {})
    llm('by model', () => {}, { model: 'small-model', provider: 'openai' })()
    expectTrace(
      spans.text({
        kind,
        op: 'gen_ai.operation.name',
        agent: 'gen_ai.agent.name',
        tool: 'gen_ai.tool.name',
        model: 'gen_ai.request.model',
        provider: 'gen_ai.provider.name',
        shard: 'app.shard',
      }),
    ).toBe(`
      invoke_agent my agent     op=invoke_agent agent=my agent
      chat my llm               kind=CLIENT op=chat
      execute_tool my tool      op=execute_tool tool=my tool
      retrieval my retrieval    kind=CLIENT op=retrieval
      my chain
      my function
      untyped
      execute_tool search       op=execute_tool tool=search shard=1
      chat small-model          kind=CLIENT op=chat model=small-model provider=openai
    `)
  })

  it('of an agent inside a run is a container with a subtotal of its own', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', () => {
      spend(1)
      withSpan(
        'specialist',
        (span) => {
          span.setUsage({ inputTokens: 999 })
          spend(20)
        },
        { type: 'agent' },
      )
      withSpan('reports', (span) => span.setUsage({ inputTokens: 300, model: 'm', provider: 'openai' }), {
        type: 'agent',
      })
    })
    const shown = { in: 'runspan.usage.input_tokens', scope: 'runspan.rollup.scope', own: 'gen_ai.usage.input_tokens' }
    expectTrace(spans.tree(runId, shown)).toBe(`
      invoke_agent planner         in=321 scope=run
        chat m                     own=1
        invoke_agent specialist    in=20 scope=agent
          chat m                   own=20
        invoke_agent reports       in=300 scope=agent
    `)
  })
})

describe('a span of ours', () => {
  it('keeps the shape of its callback: value, promise, generator, error', async () => {
    await using spans = recordSpans()
    expect(withSpan('value', () => 7)).toBe(7)
    const object = {}
    expect(withSpan('object', () => object)).toBe(object)
    expect(withSpan('nothing', () => {})).toBeUndefined()
    const promise = withSpan('promise', () => Promise.resolve('later'))
    expect(promise).toBeInstanceOf(Promise)
    expect(await promise).toBe('later')
    const generator = withSpan('generator', function* () {
      yield 1
      yield 2
    })
    expect(spans.all).toHaveLength(4)
    expect([...generator]).toEqual([1, 2])
    expect(spans.all).toHaveLength(5)
    const error = new Error('mine')
    expect(() =>
      withSpan('error', () => {
        throw error
      }),
    ).toThrow(error)
    await expect(withSpan('rejection', () => Promise.reject(error))).rejects.toBe(error)
    expect(spans.all.filter((span) => span.status.code === SpanStatusCode.ERROR).map(({ name }) => name)).toEqual([
      'error',
      'rejection',
    ])
  })

  it('of a run is reached through its handle too, from anywhere', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    const other = startRun('other')
    other.with(() => run.span('from elsewhere', () => expect(currentRunId()).toBe(run.runId)))
    run.with(() => withSpan('outer', () => run.span('inner', () => {}, { type: 'tool', input: { a: 1 } })))
    run.end()
    other.end()
    expectTrace(spans.text({ args: 'gen_ai.tool.call.arguments' })).toBe(`
      invoke_agent planner
        from elsewhere
        outer
          execute_tool inner  args={"a":1}
      invoke_agent other
    `)
  })

  it('is cancelled, not failed, by an abort, and keeps the first error that was reported', async () => {
    await using spans = recordSpans()
    const abort = new DOMException('stop', 'AbortError')
    await expect(withSpan('aborted', () => Promise.reject(abort))).rejects.toBe(abort)
    expect(() =>
      withSpan('reported', (span) => {
        span.setError(new TypeError('known'))
        throw new RangeError('unknown')
      }),
    ).toThrow('unknown')
    withSpan('timed out', (span) => span.setError(new DOMException('slow', 'TimeoutError')))
    expectTrace(
      spans.text({ end: 'runspan.end_reason', type: 'error.type', events: ({ events }) => events.length || undefined }),
    ).toBe(`
      aborted    end=cancelled
      reported   type=TypeError events=1 ERROR
      timed out  type=timeout events=1 ERROR
    `)
  })
})

describe('a wrapped function', () => {
  it('keeps this, name, length and its own properties', async () => {
    await using spans = recordSpans()
    const service = {
      prefix: 'found',
      search: tool('search', function search(this: { prefix: string }, query: string, limit = 3) {
        return `${this.prefix} ${query} ${limit}`
      }),
    }
    expect(service.search('rows')).toBe('found rows 3')
    expect([service.search.name, service.search.length]).toEqual(['search', 1])
    const described = Object.assign((city: string) => `sun in ${city}`, { description: 'weather', schema: { city: 1 } })
    for (const wrap of [tool, retrieval, trace, llm]) {
      const wrapped = wrap('weather', described)
      expect(wrapped('Oslo')).toBe('sun in Oslo')
      expect([wrapped.name, wrapped.length, wrapped.description, wrapped.schema]).toEqual([
        described.name,
        1,
        'weather',
        described.schema,
      ])
    }
    expect(spans.all).toHaveLength(5)
  })

  it.each([undefined, 'ask'])('is refused where it is none: %s', (fn) => {
    for (const wrap of [tool, llm, retrieval, trace]) {
      expect(() => wrap('search', fn as never)).toThrow(`Failed to wrap search: ${fn} is no function.`)
    }
  })

  it('is called once per call with what it was given, in the run it is called in', async () => {
    await using spans = recordSpans()
    const calls: unknown[][] = []
    const search = tool('search', (...args: unknown[]) => void calls.push([currentRunId(), ...args]))
    const first = await wrapAgent('first', () => search('a', { b: 1 }))
    const second = await wrapAgent('second', () => search())
    search(undefined)
    expect(calls).toEqual([[first.runId, 'a', { b: 1 }], [second.runId], [undefined, undefined]])
    expect(spans.all.filter(({ name }) => name === 'execute_tool search')).toHaveLength(3)
  })

  it('fails as it did without us, synchronously or not', async () => {
    await using spans = recordSpans()
    const error = new TypeError('odd')
    const sync = tool('sync', (): string => {
      throw error
    })
    const later = retrieval('later', async (): Promise<string> => {
      throw error
    })
    expect(() => sync()).toThrow(error)
    await expect(later()).rejects.toBe(error)
    expectTrace(spans.text({ type: 'error.type' })).toBe(`
      execute_tool sync  type=TypeError ERROR
      retrieval later    type=TypeError ERROR
    `)
  })

  it('records arguments and results only where content is switched on, the given input always', async () => {
    await using spans = recordSpans()
    const add = tool('add', (a: number, b: number) => a + b)
    const explicit = trace('explicit', (text: string) => text.length, { input: 'given' })
    add(1, 2)
    explicit('abc')
    configureRunspan({ content: 'all' })
    add(1, 2)
    explicit('abc')
    expectTrace(
      spans.text({
        args: 'gen_ai.tool.call.arguments',
        result: 'gen_ai.tool.call.result',
        in: 'runspan.input',
        out: 'runspan.output',
      }),
    ).toBe(`
      execute_tool add
      explicit          in="given"
      execute_tool add  args=[1,2] result=3
      explicit          in="given" out=3
    `)
  })
})
