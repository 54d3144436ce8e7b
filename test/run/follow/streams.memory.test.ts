import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'

import { withSpan, wrapAgent } from '../../../src/index.ts'
import { shared } from '../../../src/run/shared.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { heapSlope, noSlope } from '../../support/heap-slope.ts'
import { registerNullProvider } from '../../support/null-provider.ts'

const bounds = { maxClosedRuns: 1000, prices: 'none' } as const
const size = { warmUp: 4000, units: 12_000 }

async function* items(): AsyncGenerator<number> {
  yield 1
  yield 2
}

function stream(): ReadableStream<number> {
  return new ReadableStream({
    pull: (controller) => {
      controller.enqueue(1)
      controller.close()
    },
  })
}

class Query {
  // oxlint-disable-next-line unicorn/no-thenable -- it stands for those that are
  then(resolve: (value: string) => void): void {
    resolve('rows')
  }
}

const makers: readonly (readonly [string, () => object, (result: never) => unknown])[] = [
  [
    'an async generator',
    items,
    async (result: AsyncGenerator<number>) => {
      for await (const item of result) void item
    },
  ],
  [
    'a web stream',
    stream,
    async (result: ReadableStream<number>) => {
      for await (const item of result) void item
    },
  ],
  ['a response', () => new Response(stream() as never), (result: Response) => result.body!.cancel()],
  [
    'a Node stream',
    () => Readable.from([1, 2]),
    async (result: Readable) => {
      for await (const item of result) void item
    },
  ],
  [
    'an object that opens iterators',
    () => ({ [Symbol.asyncIterator]: items }),
    async (result: AsyncIterable<number>) => {
      for await (const item of result) if (item === 1) break
    },
  ],
]

describe('at most one byte of heap is left of', () => {
  it.each(makers)('%s that was read to its end', async (_what, make, use) => {
    using _ = registerNullProvider(bounds)
    const unit = async (): Promise<void> => {
      const { result } = await wrapAgent('planner', () => withSpan('step', make))
      await use(result as never)
    }
    expect(await heapSlope(unit, size)).toBeLessThanOrEqual(noSlope)
    expect(shared().open.size).toBe(0)
  })

  it.each(makers)('%s that nobody ever read', async (_what, make) => {
    using clock = useFakeClock()
    using _ = registerNullProvider(bounds)
    const unit = async (): Promise<void> => {
      await wrapAgent('planner', () => withSpan('step', make))
      clock.advance(300_000)
    }
    expect(await heapSlope(unit, size)).toBeLessThanOrEqual(noSlope)
    expect(shared().open.size).toBe(0)
    // The sweeper's.
    expect(clock.timers).toBeLessThanOrEqual(1)
  })

  it('a lazy thenable, awaited or not', async () => {
    using clock = useFakeClock()
    using _ = registerNullProvider(bounds)
    const unit = async (index: number): Promise<void> => {
      const query = withSpan('query', () => new Query())
      if (index % 2 === 0) await query
      clock.advance(300_000)
    }
    expect(await heapSlope(unit, size)).toBeLessThanOrEqual(noSlope)
    expect(clock.timers).toBe(0)
  })

  it('a stream of a caller whose signal outlives it', async () => {
    using _ = registerNullProvider(bounds)
    const shutdown = new AbortController()
    const unit = async (): Promise<void> => {
      const { result } = await wrapAgent('planner', stream, { signal: shutdown.signal })
      for await (const item of result) void item
    }
    expect(await heapSlope(unit, size)).toBeLessThanOrEqual(noSlope)
  })
})

describe('the measurement', () => {
  it('finds streams that are kept', async () => {
    using _ = registerNullProvider(bounds)
    const kept: unknown[] = []
    const unit = async (): Promise<void> => {
      const { result } = await wrapAgent('planner', items)
      for await (const item of result) void item
      kept.push(result)
    }
    expect(await heapSlope(unit, size)).toBeGreaterThan(100)
    expect(kept.length).toBeGreaterThan(size.units)
  })
})
