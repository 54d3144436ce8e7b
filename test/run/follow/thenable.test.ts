import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'

import { currentRunId, startRun, stats, withSpan } from '../../../src/index.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { Whereabouts, endOf, hosts, millisOf } from '../../support/hosts.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { spawnProcess } from '../../support/spawn-process.ts'

/** A query builder: it starts its work in `then`, each time anew. */
class LazyQuery implements PromiseLike<string> {
  started = 0
  readonly #where: Whereabouts
  readonly #fails: boolean

  constructor(where: Whereabouts, fails = false) {
    this.#where = where
    this.#fails = fails
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it stands for those that are
  then<A = string, B = never>(
    onFulfilled?: ((value: string) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.started++
    this.#where.step()
    const work = delay(5).then(() => {
      this.#where.step()
      if (this.#fails) throw new RangeError('no rows')
      return 'rows'
    })
    return work.then(onFulfilled, onRejected)
  }
}

/** A client's promise with helpers of its own; like some clients' it parses lazily, in `then`. */
class HelpfulPromise<T> extends Promise<T> {
  parsed = 0

  withResponse(): Promise<{ readonly data: T }> {
    return this.then((data) => ({ data }))
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.parsed++
    return super.then(onFulfilled, onRejected)
  }
}

function fail(): never {
  throw new Error('hands off')
}

async function chunksOf<T>(stream: ReadableStream<T>): Promise<readonly T[]> {
  const chunks: T[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

describe.each(hosts)('$name', (host) => {
  it('ends with a value that is returned at once', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => {
      where.step()
      return 7
    })
    where.outside()
    expect(hosted.result).toBe(7)
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(1, hosted)
    hosted.close()
  })

  it.each([
    ['an array', [1, 2, 3]],
    ['a map', new Map([[1, 2]])],
    ['a function', () => 1],
    ['a class', LazyQuery],
    ['null', null],
    ['a typed array', new Uint8Array(3)],
    // oxlint-disable-next-line unicorn/no-thenable -- it is none
    ['an object with a `then` that is no function', { then: 'later' }],
    ['an object with a `next` and nothing to iterate', { next: () => 1 }],
  ])('ends at once with %s, which is no stream and stays the same', async (_what, value) => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => value)
    expect(hosted.result).toBe(value)
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('ends at once with objects that throw whatever is done to them', async () => {
    await using spans = recordSpans()
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const hostile = new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail, defineProperty: fail })
    // Held in an array, because awaiting such an object throws without us too.
    for (const value of [[proxy], [hostile]]) {
      const hosted = await host.start(spans, () => value)
      expect(hosted.result).toBe(value)
      hosted.close()
    }
    expect(spans.all.every((span) => endOf(span) === 'completed')).toBe(true)
  })

  it('waits for a promise', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, async () => {
      where.step()
      await delay(20)
      where.step()
      return 'done'
    })
    where.outside()
    expect(hosted.result).toBe('done')
    expect(endOf(hosted.span())).toBe('completed')
    expect(millisOf(hosted.span())).toBeGreaterThan(15)
    where.expectSteps(2, hosted)
    hosted.close()
  })

  it('waits for a thenable that is no promise (P4)', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the probe is about those
      then: (resolve: (value: string) => void) => void setTimeout(() => resolve('late'), 40),
    }))
    expect(hosted.result).toBe('late')
    expect(millisOf(hosted.span())).toBeGreaterThan(35)
    expect(millisOf(hosted.span())).toBeLessThan(10_000)
    hosted.close()
  })

  it('runs a lazy thenable once, inside the run', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const query = new LazyQuery(where)
    const hosted = await host.start(spans, () => query)
    where.outside()
    expect({ result: hosted.result, started: query.started }).toEqual({ result: 'rows', started: 1 })
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(2, hosted)
    hosted.close()
  })

  it('fails with a lazy thenable that rejects, with the same error', async () => {
    await using spans = recordSpans()
    const attempt = host.start(spans, () => new LazyQuery(new Whereabouts(), true))
    await expect(attempt).rejects.toThrow(new RangeError('no rows'))
    const failed = spans.all.filter((span) => span.name.endsWith('host'))
    expect(failed.map(endOf)).toEqual(['failed: RangeError'])
  })

  it('fails with a thenable whose then throws', async () => {
    await using spans = recordSpans()
    const thrown = new TypeError('then')
    const attempt = host.start(spans, () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the test is about those
      then: () => {
        throw thrown
      },
    }))
    await expect(attempt).rejects.toBe(thrown)
    expect(spans.all.filter((span) => span.name.endsWith('host')).map(endOf)).toEqual(['failed: TypeError'])
  })

  it('waits for the promise that a sloppy thenable resolves with', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the test is about those
      then: (resolve: (value: unknown) => void) => resolve(delay(20, 'inner')),
    }))
    expect(hosted.result).toBe('inner')
    expect(millisOf(hosted.span())).toBeGreaterThan(15)
    hosted.close()
  })

  it('reads a frozen thenable all the same', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const query = Object.freeze({
      // oxlint-disable-next-line unicorn/no-thenable -- the test is about those
      then: (resolve: (value: string) => void) => {
        where.step()
        resolve('rows')
      },
    })
    const hosted = await host.start(spans, () => query)
    where.outside()
    expect(hosted.result).toBe('rows')
    where.expectSteps(1, hosted)
    hosted.close()
  })
})

describe('a thenable that withSpan hands on', () => {
  it('stays the same object, lazy: nothing starts before somebody asks', async () => {
    await using spans = recordSpans()
    const query = new LazyQuery(new Whereabouts())
    const returned = withSpan('query', () => query)
    expect(returned).toBe(query)
    await Promise.resolve()
    expect(query.started).toBe(0)
    expect(spans.all).toEqual([])
    await returned
    expect(query.started).toBe(1)
  })

  it('keeps its helpers where it is a promise of a class of its own', async () => {
    await using spans = recordSpans()
    const promise = HelpfulPromise.resolve('answer') as HelpfulPromise<string>
    const returned = withSpan('call', () => promise)
    expect(returned).toBe(promise)
    expect(spans.all).toEqual([])
    expect(await returned.withResponse()).toEqual({ data: 'answer' })
    expect(promise.parsed).toBe(1)
    expect(endOf(spans.span('call'))).toBe('completed')
  })

  it('fails once where it is looked at in several ways', async () => {
    await using spans = recordSpans()
    const thrown = new Error('no')
    const returned = withSpan('call', () => HelpfulPromise.reject<string>(thrown) as HelpfulPromise<string>)
    await expect(returned).rejects.toBe(thrown)
    expect(await returned.catch((error: unknown) => error)).toBe(thrown)
    await expect(returned.finally(() => {})).rejects.toBe(thrown)
    expect(spans.all.map(endOf)).toEqual(['failed: Error'])
    expect(spans.all[0]!.events).toHaveLength(1)
  })

  it('gives everybody who asks the same stream', async () => {
    await using spans = recordSpans()
    const source = new ReadableStream<number>({
      start: (controller) => {
        controller.enqueue(1)
        controller.close()
      },
    })
    const before = stats().streamsNotFollowed
    const returned = withSpan('call', () => HelpfulPromise.resolve(source) as HelpfulPromise<ReadableStream<number>>)
    const [first, second] = [await returned, await returned]
    expect(first).toBe(second)
    expect(await chunksOf(first)).toEqual([1])
    expect(stats().streamsNotFollowed).toBe(before)
    expect(endOf(spans.span('call'))).toBe('completed')
  })

  it('does not take its run along into the callbacks of whoever waits', async () => {
    await using spans = recordSpans()
    const run = startRun('outer')
    const seen: (string | undefined)[] = []
    const look = (): void => void seen.push(currentRunId())
    const promise = run.with(() => withSpan('call', () => HelpfulPromise.resolve('x') as HelpfulPromise<string>))
    // oxlint-disable-next-line promise/prefer-await-to-then -- the test is about callbacks
    await promise.then(look).then(look)
    await promise.finally(look)
    const query = run.with(() => withSpan('query', () => new LazyQuery(new Whereabouts())))
    await query.then(look)
    const failing = run.with(() => withSpan('failing', () => new LazyQuery(new Whereabouts(), true)))
    await failing.then(undefined, look)
    run.end()
    expect(spans.of(run.runId)).toHaveLength(4)
    expect(seen).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it('that nobody ever waits for is abandoned', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const query = withSpan('query', () => new LazyQuery(new Whereabouts()))
    clock.advance(299_999)
    expect(spans.all).toEqual([])
    clock.advance(1)
    expect(endOf(spans.span('query'))).toBe('abandoned: stream_idle')
    expect(query.started).toBe(0)
    expect(clock.timers).toBe(0)
  })

  it('is not abandoned while it works', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    let resolve!: (value: string) => void
    const slow = withSpan('slow', () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the test is about those
      then: (onFulfilled: (value: string) => void) => {
        resolve = onFulfilled
      },
    }))
    const waiting = Promise.resolve(slow)
    await Promise.resolve()
    clock.advance(3_600_000)
    expect(spans.all).toEqual([])
    resolve('done')
    expect(await waiting).toBe('done')
    expect(endOf(spans.span('slow'))).toBe('completed')
    expect(clock.timers).toBe(0)
  })
})

describe('a rejection that nobody handles', () => {
  it.each(['wrapAgent', 'withSpan', 'tool', 'a promise of a class of its own', 'control: nothing of ours'])(
    'is reported by the process: %s',
    async (kind) => {
      await using child = spawnProcess('unhandled', { kind })
      const { code, stderr } = await child.ended
      expect(code).toBe(1)
      expect(stderr).toContain('RangeError: nobody looks')
    },
  )

  it('is not made up: handled rejections are no unhandled ones', async () => {
    await using child = spawnProcess('unhandled', { kind: 'handled' })
    const { code, stderr } = await child.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
