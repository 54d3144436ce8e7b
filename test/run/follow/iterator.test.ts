import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'

import { currentRunId, llm, startRun, stats, tool, withSpan, wrapAgent } from '../../../src/index.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { Whereabouts, endOf, hosts, millisOf } from '../../support/hosts.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { expectTrace } from '../../support/trace-text.ts'

// What an async generator is made of here: a step before each item and one at the end, and a step in `finally`.
async function* items(where: Whereabouts, pauseMillis = 0): AsyncGenerator<number, string, string | undefined> {
  try {
    for (let item = 1; item <= 3; item++) {
      if (pauseMillis > 0) await delay(pauseMillis)
      else await Promise.resolve()
      where.step()
      yield item
    }
    where.step()
    return 'all'
  } finally {
    where.step()
  }
}

async function* stubborn(): AsyncGenerator<number> {
  try {
    yield 1
  } finally {
    yield 2
  }
}

// A streamed answer as OpenAI sends it.
async function* chunksOfAnswer(): AsyncGenerator<object> {
  yield { choices: [{ delta: { content: 'hel' } }] }
  yield { choices: [{ delta: { content: 'lo' }, finish_reason: 'stop' }] }
  yield { id: 'c-1', model: 'some-model', choices: [], usage: { prompt_tokens: 100, completion_tokens: 2 } }
}

function* numbers(where: Whereabouts): Generator<number, string, unknown> {
  try {
    for (let item = 1; item <= 3; item++) {
      where.step()
      yield item
    }
    return 'all'
  } finally {
    where.step()
  }
}

/** As OpenAI's and Anthropic's clients have it: an object that opens iterators, with helpers. */
class Stream<T> implements AsyncIterable<T> {
  readonly controller = new AbortController()
  private readonly iterator: () => AsyncIterator<T>

  constructor(iterator: () => AsyncIterator<T>) {
    this.iterator = iterator
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.iterator()
  }

  tee(): [Stream<T>, Stream<T>] {
    const queues: IteratorResult<T>[][] = [[], []]
    const source = this.iterator()
    const branch = (own: IteratorResult<T>[]): AsyncIterator<T> => ({
      async next() {
        if (own.length === 0) {
          const result = await source.next()
          for (const queue of queues) queue.push(result)
        }
        return own.shift()!
      },
    })
    return [new Stream(() => branch(queues[0]!)), new Stream(() => branch(queues[1]!))]
  }
}

describe.each(hosts)('$name of an async generator', (host) => {
  it('lasts as long as the generator, about 90 ms for three items 30 ms apart (P1)', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => items(where, 30))
    const seen: number[] = []
    for await (const item of hosted.result) {
      where.outside()
      expect(endOf(hosted.span())).toBe('open')
      seen.push(item)
    }
    expect(seen).toEqual([1, 2, 3])
    expect(endOf(hosted.span())).toBe('completed')
    expect(millisOf(hosted.span())).toBeGreaterThan(85)
    expect(millisOf(hosted.span())).toBeLessThan(10_000)
    where.outside()
    where.expectSteps(5, hosted)
    hosted.close()
  })

  it('ends with a reason where its reader breaks off (P6)', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => items(where))
    for await (const item of hosted.result) {
      where.outside()
      if (item === 2) break
    }
    expect(endOf(hosted.span())).toBe('cancelled: consumer_stopped')
    // Two items, and the `finally` that the break runs.
    where.expectSteps(3, hosted)
    hosted.close()
  })

  it('goes on where its `finally` still has something to say', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, stubborn)
    await hosted.result.next()
    expect(await hosted.result.return(undefined)).toEqual({ done: false, value: 2 })
    expect(endOf(hosted.span())).toBe('open')
    expect(await hosted.result.next()).toEqual({ done: true, value: undefined })
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('fails where it throws, with the same error', async () => {
    await using spans = recordSpans()
    const thrown = new RangeError('mid-stream')
    const hosted = await host.start(spans, async function* failing(): AsyncGenerator<number> {
      yield 1
      throw thrown
    })
    await hosted.result.next()
    await expect(hosted.result.next()).rejects.toBe(thrown)
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    hosted.close()
  })

  it('fails where its reader throws into it, unless it deals with that', async () => {
    await using spans = recordSpans()
    const thrown = new RangeError('from outside')
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => items(where))
    await hosted.result.next()
    await expect(hosted.result.throw(thrown)).rejects.toBe(thrown)
    where.outside()
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    where.expectSteps(2, hosted)
    hosted.close()
  })

  it('is abandoned where nobody ever iterates', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => items(where))
    clock.advance(299_999)
    expect(endOf(hosted.span())).toBe('open')
    clock.advance(1)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.close()
    await hosted.result.return('late')
    expect(spans.all.filter((span) => span.name.endsWith('host'))).toHaveLength(1)
  })

  it('is abandoned where its reader forgets it, counted from the last step', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => items(new Whereabouts()))
    for (let step = 0; step < 2; step++) {
      clock.advance(200_000)
      await hosted.result.next()
    }
    clock.advance(299_999)
    expect(endOf(hosted.span())).toBe('open')
    clock.advance(1)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.close()
  })

  it('is not abandoned while somebody waits for a slow step', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    let answer!: () => void
    const hosted = await host.start(spans, async function* slow() {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      yield 'at last'
    } as () => AsyncGenerator<string>)
    const step = hosted.result.next()
    clock.advance(3_600_000)
    expect(endOf(hosted.span())).toBe('open')
    answer()
    expect(await step).toEqual({ done: false, value: 'at last' })
    // From here on it is the reader's turn again.
    clock.advance(300_000)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.close()
  })

  it('keeps its methods and says nothing more after its end', async () => {
    await using spans = recordSpans()
    const before = stats().endsIgnored
    const hosted = await host.start(spans, () => items(new Whereabouts()))
    const { result } = hosted
    expect(Object.prototype.toString.call(result)).toBe('[object AsyncGenerator]')
    expect(Object.keys(result)).toEqual([])
    expect(await result.next()).toEqual({ done: false, value: 1 })
    expect(await result.return('enough')).toEqual({ done: true, value: 'enough' })
    expect(await result.next()).toEqual({ done: true, value: undefined })
    expect(await result.return('again')).toEqual({ done: true, value: 'again' })
    await expect(result.throw(new Error('late'))).rejects.toThrow('late')
    expect(endOf(hosted.span())).toBe('cancelled: consumer_stopped')
    hosted.close()
    expect(stats().endsIgnored).toBe(before)
  })

  it('leaves no timer behind', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const timers = clock.timers
    const hosted = await host.start(spans, () => items(new Whereabouts()))
    for await (const item of hosted.result) void item
    hosted.close()
    // The sweeper's, once a run was opened.
    expect(clock.timers).toBeLessThanOrEqual(timers + 1)
  })
})

describe.each(hosts)('$name of a generator', (host) => {
  it('lasts until the generator is done, each step inside', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => numbers(where))
    const seen: number[] = []
    for (const item of hosted.result) {
      where.outside()
      expect(endOf(hosted.span())).toBe('open')
      seen.push(item)
    }
    expect(seen).toEqual([1, 2, 3])
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(4, hosted)
    hosted.close()
  })

  it('ends with a reason where its reader breaks off', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => numbers(where))
    const [first] = hosted.result
    where.outside()
    expect(first).toBe(1)
    expect(endOf(hosted.span())).toBe('cancelled: consumer_stopped')
    where.expectSteps(2, hosted)
    hosted.close()
  })

  it('passes on what is sent into it, thrown into it and returned by it', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, function* talking(): Generator<string, string, string> {
      const heard = yield 'name?'
      try {
        yield `hello ${heard}`
      } catch (error) {
        yield `caught ${String(error)}`
      }
      return 'bye'
    })
    const { result } = hosted
    expect(result.next()).toEqual({ done: false, value: 'name?' })
    expect(result.next('Ada')).toEqual({ done: false, value: 'hello Ada' })
    expect(result.throw('ouch')).toEqual({ done: false, value: 'caught ouch' })
    expect(result.next()).toEqual({ done: true, value: 'bye' })
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('fails where it throws', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, function* failing(): Generator<number> {
      yield 1
      throw new RangeError('mid-way')
    })
    expect(() => [...hosted.result]).toThrow(new RangeError('mid-way'))
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    hosted.close()
  })

  it('follows other iterators too: of an array, of a map, written by hand', async () => {
    await using spans = recordSpans()
    let left = 2
    const byHand = {
      next: () => (left-- > 0 ? { done: false as const, value: left } : { done: true as const, value: undefined }),
      [Symbol.iterator]() {
        return this
      },
    }
    for (const iterator of [[1, 2].values(), new Map([[1, 2]]).entries(), byHand]) {
      const hosted = await host.start(spans, () => iterator as Iterable<unknown>)
      expect([...hosted.result].length).toBeGreaterThan(0)
      hosted.close()
    }
    const ended = spans.all.filter((span) => span.name.endsWith('host'))
    expect(ended.map(endOf)).toEqual(['completed', 'completed', 'completed'])
  })

  it('ends with a frozen one at once, and counts that', async () => {
    await using spans = recordSpans()
    const before = stats().streamsNotFollowed
    const hosted = await host.start(spans, () => Object.freeze(numbers(new Whereabouts())))
    expect(endOf(hosted.span())).toBe('completed')
    expect([...hosted.result]).toEqual([1, 2, 3])
    hosted.close()
    expect(stats().streamsNotFollowed).toBe(before + 1)
  })
})

describe.each(hosts)('$name of an object that opens async iterators', (host) => {
  it('lasts until the first of them has ended, each step inside', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const stream = new Stream(() => items(where))
    const hosted = await host.start(spans, () => stream)
    expect(hosted.result).toBe(stream)
    for await (const item of hosted.result) {
      void item
      where.outside()
      expect(endOf(hosted.span())).toBe('open')
    }
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(5, hosted)
    hosted.close()
  })

  it('ends with a reason where its reader breaks off, and fails where it fails', async () => {
    await using spans = recordSpans()
    const broken = await host.start(spans, () => new Stream(() => items(new Whereabouts())))
    for await (const item of broken.result) if (item === 1) break
    broken.close()
    const thrown = new RangeError('cannot open')
    const failing = await host.start(
      spans,
      () =>
        new Stream(() => {
          throw thrown
        }),
    )
    expect(() => failing.result[Symbol.asyncIterator]()).toThrow(thrown)
    failing.close()
    const ended = spans.all.filter((span) => span.name.endsWith('host'))
    expect(ended.map(endOf)).toEqual(['cancelled: consumer_stopped', 'failed: RangeError'])
  })

  it('is followed through its tee', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => new Stream(() => items(where)))
    const [left, right] = hosted.result.tee()
    for (const branch of [left, right]) {
      const seen: number[] = []
      for await (const item of branch) {
        where.outside()
        seen.push(item)
      }
      expect(seen).toEqual([1, 2, 3])
    }
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(5, hosted)
    hosted.close()
  })

  it('is abandoned where nobody ever iterates', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => new Stream(() => items(new Whereabouts())))
    clock.advance(300_000)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.close()
  })
})

describe('a stream in a stream', () => {
  it('of a tool inside an agent is a span inside the run, and both last as long as it is read', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const search = tool('search', () => items(where))
    const { result, runId } = await wrapAgent('planner', search)
    for await (const item of result) {
      void item
      where.outside()
      expect(spans.all).toEqual([])
    }
    expectTrace(spans.tree(runId, { status: 'runspan.run.status', tools: 'runspan.calls.tool' })).toBe(`
      invoke_agent planner     status=completed tools=1
        execute_tool search
    `)
    expect(spans.root(runId).attributes).toMatchObject({ 'runspan.spans': 2, 'runspan.rollup.complete': true })
  })

  it('that is passed on with yield* lasts as long as the one around it', async () => {
    await using spans = recordSpans()
    const search = tool('search', () => items(new Whereabouts()))
    const inside: (string | undefined)[] = []
    const { result, runId } = await wrapAgent('planner', async function* agent() {
      inside.push(currentRunId())
      yield 0
      yield* search()
      inside.push(currentRunId())
      yield withSpan('summary', () => 4)
    } as () => AsyncGenerator<number>)
    const seen: number[] = []
    for await (const item of result) {
      expect(currentRunId()).toBeUndefined()
      seen.push(item)
    }
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(inside).toEqual([runId, runId])
    expectTrace(spans.tree(runId)).toBe(`
      invoke_agent planner
        execute_tool search
        summary
    `)
  })

  it('breaks off through every level', async () => {
    await using spans = recordSpans()
    const search = tool('search', () => items(new Whereabouts()))
    const { result, runId } = await wrapAgent('planner', () => withSpan('step', () => search()))
    for await (const item of result) if (item === 2) break
    expectTrace(
      spans.tree(runId, {
        reason: 'runspan.end_reason',
        status: 'runspan.run.status',
        why: 'runspan.run.status_reason',
      }),
    ).toBe(`
      invoke_agent planner       status=cancelled why=consumer_stopped
        step                     reason=consumer_stopped
          execute_tool search    reason=consumer_stopped
    `)
  })

  it('may be read by whoever likes: the run is the producer’s, not the reader’s', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const { result, runId } = await wrapAgent('producer', () => items(where))
    const reader = startRun('reader')
    const seen = await reader.with(async () => {
      const runIds: (string | undefined)[] = []
      for await (const item of result) {
        void item
        runIds.push(currentRunId())
      }
      return runIds
    })
    reader.end()
    expect(seen).toEqual([reader.runId, reader.runId, reader.runId])
    where.outside()
    where.expectSteps(5, { result, runId, span: () => spans.root(runId), close: () => {} })
  })

  it('reports the usage of its chunks at its end', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const ask = llm('answer', chunksOfAnswer)
    const { result, runId, ended } = await wrapAgent('planner', () => ask())
    for await (const chunk of result) void chunk
    expect((await ended).totals).toMatchObject({ inputTokens: 100, outputTokens: 2, llmCalls: 1 })
    expect(spans.of(runId)[1]!.attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.response.model': 'some-model',
    })
  })
})
