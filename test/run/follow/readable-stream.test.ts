import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'

import { stats, tool, withSpan, wrapAgent } from '../../../src/index.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { Whereabouts, endOf, hosts, millisOf } from '../../support/hosts.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { expectTrace } from '../../support/trace-text.ts'

/** A source that counts what is asked of it. */
class Source {
  readonly where = new Whereabouts()
  pulls = 0
  cancelledWith: unknown = 'not cancelled'
  readonly #chunks: number
  readonly #pauseMillis: number

  constructor(chunks: number, pauseMillis = 0) {
    this.#chunks = chunks
    this.#pauseMillis = pauseMillis
  }

  /** @param buffer how many chunks it makes ahead */
  stream(buffer = 0): ReadableStream<number> {
    return new ReadableStream<number>(
      {
        pull: async (controller) => {
          this.where.step()
          if (this.#pauseMillis > 0) await delay(this.#pauseMillis)
          this.pulls++
          controller.enqueue(this.pulls)
          if (this.pulls === this.#chunks) controller.close()
        },
        cancel: async (reason) => {
          this.where.step()
          await Promise.resolve()
          this.where.step()
          this.cancelledWith = reason
        },
      },
      { highWaterMark: buffer },
    )
  }
}

function byteStream(where: Whereabouts, chunks: readonly string[]): ReadableStream<Uint8Array> {
  const left = [...chunks]
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      where.step()
      const next = left.shift()
      if (next !== undefined) controller.enqueue(new TextEncoder().encode(next))
      else {
        controller.close()
        controller.byobRequest?.respond(0)
      }
    },
  })
}

async function chunksOf<T>(stream: ReadableStream<T>, look?: () => void): Promise<readonly T[]> {
  const chunks: T[] = []
  for await (const chunk of stream) {
    chunks.push(chunk)
    look?.()
  }
  return chunks
}

describe.each(hosts)('$name of a ReadableStream', (host) => {
  it('lasts until the last chunk has been read, each pull inside', async () => {
    await using spans = recordSpans()
    const source = new Source(3, 20)
    const hosted = await host.start(spans, () => source.stream())
    expect(hosted.result).toBeInstanceOf(ReadableStream)
    const chunks = await chunksOf(hosted.result, () => {
      source.where.outside()
    })
    expect(chunks).toEqual([1, 2, 3])
    expect(endOf(hosted.span())).toBe('completed')
    expect(millisOf(hosted.span())).toBeGreaterThan(55)
    source.where.expectSteps(3, hosted)
    hosted.close()
  })

  it('pulls nothing before somebody asks, and no chunk ahead of the reader', async () => {
    await using spans = recordSpans()
    const source = new Source(10)
    const hosted = await host.start(spans, () => source.stream())
    await delay(2)
    expect(source.pulls).toBe(0)
    const reader = hosted.result.getReader()
    await reader.read()
    await delay(2)
    expect(source.pulls).toBe(1)
    await reader.cancel()
    hosted.close()
  })

  it('passes cancel on to the source, pulls nothing more and ends then, with a reason (P5)', async () => {
    await using spans = recordSpans()
    const source = new Source(10)
    const hosted = await host.start(spans, () => source.stream())
    const reader = hosted.result.getReader()
    expect(await reader.read()).toEqual({ done: false, value: 1 })
    source.where.outside()
    await reader.cancel('enough')
    expect({ pulls: source.pulls, reason: source.cancelledWith }).toEqual({ pulls: 1, reason: 'enough' })
    expect(endOf(hosted.span())).toBe('cancelled: cancelled')
    await delay(2)
    expect(source.pulls).toBe(1)
    // One pull, and the source's own cancel from its begin to its end.
    source.where.expectSteps(3, hosted)
    hosted.close()
  })

  it('is cancelled by a reader that breaks off', async () => {
    await using spans = recordSpans()
    const source = new Source(10)
    const hosted = await host.start(spans, () => source.stream())
    for await (const chunk of hosted.result) if (chunk === 2) break
    expect({ pulls: source.pulls, reason: source.cancelledWith }).toEqual({ pulls: 2, reason: undefined })
    expect(endOf(hosted.span())).toBe('cancelled: cancelled')
    hosted.close()
  })

  it('is cancelled where the source cannot even be cancelled, whose error the reader gets', async () => {
    await using spans = recordSpans()
    const thrown = new Error('stuck')
    const hosted = await host.start(
      spans,
      () => new ReadableStream<number>({ cancel: () => Promise.reject(thrown) }, { highWaterMark: 0 }),
    )
    await expect(hosted.result.cancel()).rejects.toBe(thrown)
    expect(endOf(hosted.span())).toBe('cancelled: cancelled')
    hosted.close()
  })

  it('fails where the source fails, with the same error', async () => {
    await using spans = recordSpans()
    const thrown = new RangeError('mid-stream')
    const hosted = await host.start(
      spans,
      () =>
        new ReadableStream<number>(
          {
            pull: () => {
              throw thrown
            },
          },
          { highWaterMark: 0 },
        ),
    )
    await expect(hosted.result.getReader().read()).rejects.toBe(thrown)
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    hosted.close()
  })

  it('fails where the source fails between two reads', async () => {
    await using spans = recordSpans()
    const thrown = new RangeError('connection lost')
    let fail!: () => void
    const hosted = await host.start(
      spans,
      () =>
        new ReadableStream<number>({
          start: (controller) => {
            controller.enqueue(1)
            fail = () => controller.error(thrown)
          },
        }),
    )
    const reader = hosted.result.getReader()
    await reader.read()
    fail()
    await expect(reader.closed).rejects.toBe(thrown)
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    hosted.close()
  })

  it('ends with its last chunk where nobody asks for one more', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => new Source(2).stream())
    const reader = hosted.result.getReader()
    await reader.read()
    expect(endOf(hosted.span())).toBe('open')
    await reader.read()
    await reader.closed
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it.each([
    ['that is empty', (): ReadableStream<number> => new ReadableStream({ start: (c) => c.close() }), 'completed'],
    [
      'that has failed already',
      (): ReadableStream<number> => new ReadableStream({ start: (c) => c.error(new RangeError('no')) }),
      'failed: RangeError',
    ],
  ])('ends at once with one %s', async (_what, make, expected) => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, make)
    await delay(0)
    expect(endOf(hosted.span())).toBe(expected)
    if (expected === 'completed') expect(await chunksOf(hosted.result)).toEqual([])
    else await expect(chunksOf(hosted.result)).rejects.toThrow(RangeError)
    hosted.close()
  })

  it('may be teed: both branches get everything, and one cancel is no cancel', async () => {
    await using spans = recordSpans()
    const source = new Source(3)
    const hosted = await host.start(spans, () => source.stream())
    const [left, right] = hosted.result.tee()
    const cancelling = left.cancel('not this one')
    expect(await chunksOf(right, source.where.outside)).toEqual([1, 2, 3])
    await cancelling
    expect(endOf(hosted.span())).toBe('completed')
    expect(source.cancelledWith).toBe('not cancelled')
    source.where.expectSteps(3, hosted)
    hosted.close()
  })

  it('may be piped on', async () => {
    await using spans = recordSpans()
    const source = new Source(3)
    const hosted = await host.start(spans, () => source.stream(2))
    const doubled = new TransformStream<number, number>({
      transform: (chunk, controller) => {
        source.where.outside()
        controller.enqueue(chunk * 2)
      },
    })
    expect(await chunksOf(hosted.result.pipeThrough(doubled))).toEqual([2, 4, 6])
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('ends at once where somebody has locked it, and counts that', async () => {
    await using spans = recordSpans()
    const before = stats().streamsNotFollowed
    const stream = new Source(2).stream()
    const reader = stream.getReader()
    const hosted = await host.start(spans, () => stream)
    expect(hosted.result).toBe(stream)
    expect(endOf(hosted.span())).toBe('completed')
    expect(stats().streamsNotFollowed).toBe(before + 1)
    expect(await reader.read()).toEqual({ done: false, value: 1 })
    hosted.close()
  })

  it('is abandoned where nobody reads it, and while somebody waits it is not', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    let enqueue!: (chunk: number) => void
    const hosted = await host.start(
      spans,
      () =>
        new ReadableStream<number>(
          {
            start: (controller) => {
              enqueue = (chunk) => controller.enqueue(chunk)
            },
          },
          { highWaterMark: 0 },
        ),
    )
    clock.advance(299_999)
    const step = hosted.result.getReader().read()
    clock.advance(3_600_000)
    expect(endOf(hosted.span())).toBe('open')
    enqueue(1)
    expect(await step).toEqual({ done: false, value: 1 })
    clock.advance(299_999)
    expect(endOf(hosted.span())).toBe('open')
    clock.advance(1)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.close()
  })

  it('leaves no timer behind, however it ends', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const ends: readonly ((stream: ReadableStream<number>) => Promise<unknown>)[] = [
      (stream) => chunksOf(stream),
      (stream) => stream.cancel(),
    ]
    for (const end of ends) {
      const hosted = await host.start(spans, () => new Source(2).stream())
      await end(hosted.result)
      hosted.close()
    }
    const failing = await host.start(spans, () => new ReadableStream({ start: (c) => c.error('no') }))
    await failing.result.cancel().catch(() => {})
    failing.close()
    expect(clock.timers).toBeLessThanOrEqual(1)
  })
})

describe.each(hosts)('$name of a byte stream', (host) => {
  it('stays one: a reader may bring its own buffer, to the end', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => byteStream(where, ['hello', 'world!']))
    const reader = hosted.result.getReader({ mode: 'byob' })
    let text = ''
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(4))
      where.outside()
      if (done) break
      text += new TextDecoder().decode(value)
    }
    expect(text).toBe('helloworld!')
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(3, hosted)
    hosted.close()
  })

  it('may be read without one, and cancelled', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const first = await host.start(spans, () => byteStream(where, ['a', 'b']))
    expect((await chunksOf(first.result)).map((chunk) => new TextDecoder().decode(chunk))).toEqual(['a', 'b'])
    first.close()
    const second = await host.start(spans, () => byteStream(where, ['a', 'b']))
    const reader = second.result.getReader({ mode: 'byob' })
    await reader.read(new Uint8Array(1))
    await reader.cancel('enough')
    second.close()
    const ended = spans.all.filter((span) => span.name.endsWith('host'))
    expect(ended.map(endOf)).toEqual(['completed', 'cancelled: cancelled'])
  })

  it('may be teed', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => byteStream(new Whereabouts(), ['ab']))
    const branches = hosted.result.tee()
    for (const branch of branches) {
      expect((await chunksOf(branch)).map((chunk) => new TextDecoder().decode(chunk)).join('')).toBe('ab')
    }
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })
})

describe('a stream in a stream', () => {
  it('of a tool inside an agent: cancel goes all the way down, and both are in one trace', async () => {
    await using spans = recordSpans()
    const source = new Source(10)
    const search = tool('search', () => source.stream())
    const { result, runId } = await wrapAgent('planner', () => withSpan('step', () => search()))
    const reader = result.getReader()
    await reader.read()
    await reader.cancel('closed tab')
    expect(source.cancelledWith).toBe('closed tab')
    expectTrace(spans.tree(runId, { status: 'runspan.run.status', reason: 'runspan.end_reason' })).toBe(`
      invoke_agent planner      status=cancelled
        step                    reason=cancelled
          execute_tool search   reason=cancelled
    `)
    expect(spans.root(runId).attributes['runspan.rollup.complete']).toBe(true)
  })

  it('may be made of a followed generator', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const lines = tool('lines', async function* lines() {
      where.step()
      yield 'a'
      where.step()
      yield 'b'
    } as () => AsyncGenerator<string>)
    const { result, runId } = await wrapAgent('planner', () => {
      const generator = lines()
      return new ReadableStream<string>(
        {
          pull: async (controller) => {
            const { done, value } = await generator.next()
            if (done === true) controller.close()
            else controller.enqueue(value)
          },
        },
        { highWaterMark: 0 },
      )
    })
    expect(await chunksOf(result, where.outside)).toEqual(['a', 'b'])
    expectTrace(spans.tree(runId)).toBe(`
      invoke_agent planner
        execute_tool lines
    `)
  })
})
