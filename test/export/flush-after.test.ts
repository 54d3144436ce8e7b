import { describe, expect, it } from 'vitest'

import { flushAfter } from '../../src/export/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { deferred } from '../support/deferred.ts'
import { startCollector } from '../support/scripted-collector.ts'
import { deliver } from './delivery/ended-spans.ts'

function outside(): never {
  throw new Error('outside of a request')
}

describe('flushAfter', () => {
  it('holds the result until everything is out, and leaves it as it is', async () => {
    const answer = deferred<number>()
    await using collector = await startCollector(() => answer.promise)
    await using delivering = deliver({ url: collector.url })
    const result = { body: 'done' }
    const handler = flushAfter(async (name: string) => {
      delivering.end(name)
      return result
    }, delivering.processor)
    let isBack = false
    const returned = handler('work').finally(() => (isBack = true))
    await collector.arrived(1)
    expect(isBack).toBe(false)
    answer.resolve(200)
    expect(await returned).toBe(result)
    expect(collector.kept).toEqual(['work'])
  })

  it('flushes after a failure too, and throws the same error', async () => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    const error = new Error('mine')
    const handler = flushAfter(() => {
      delivering.end('failed')
      throw error
    }, delivering.processor)
    await expect(handler()).rejects.toBe(error)
    expect(collector.kept).toEqual(['failed'])
  })

  it('hands the flush to waitUntil, and holds nothing up', async () => {
    const answer = deferred<number>()
    await using collector = await startCollector(() => answer.promise)
    await using delivering = deliver({ url: collector.url })
    const work: Promise<unknown>[] = []
    const handler = flushAfter(() => delivering.end('work'), delivering.processor, {
      waitUntil: (promise) => work.push(promise),
    })
    await handler()
    expect(work).toHaveLength(1)
    expect(collector.kept).toEqual([])
    answer.resolve(200)
    await work[0]
    expect(collector.kept).toEqual(['work'])
  })

  it('lets nothing of its own reach the handler: a waitUntil that throws, a flush that rejects', async () => {
    const counts = countsFromNow()
    const failing = { flush: () => Promise.reject(new Error('no')) }
    expect(await flushAfter(() => 1, failing)()).toBe(1)
    expect(await flushAfter(() => 2, failing, { waitUntil: outside })()).toBe(2)
    await new Promise((resolve) => setImmediate(resolve))
    expect(counts()).toEqual({ internalErrors: 2, callbackErrors: 1 })
  })

  it('keeps this and the arguments', async () => {
    const controller = {
      factor: 2,
      times: flushAfter(
        function (this: { readonly factor: number }, value: number) {
          return this.factor * value
        },
        { flush: () => Promise.resolve() },
      ),
    }
    expect(await controller.times(21)).toBe(42)
  })
})
