import { afterEach, describe, expect, it } from 'vitest'

import { flushAfter, flushAfterLambda, flushAfterResponse } from '../../src/export/index.ts'
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

type Callback = (error: unknown, result?: unknown) => void
interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** Calls a handler as Lambda's runtime does: the first of what its promise and its callback say ends the invocation. */
function invoke(
  handler: (event: string, context: LambdaContext, callback: Callback) => unknown,
  event: string,
  remainingMillis = 3000,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = handler(event, { getRemainingTimeInMillis: () => remainingMillis }, (error, result) =>
      error === null || error === undefined ? resolve(result) : reject(error),
    )
    if (returned instanceof Promise) returned.then(resolve, reject)
  })
}

describe('flushAfterLambda', () => {
  const error = new Error('mine')

  it.each<
    [string, (end: (name: string) => void) => (event: string, context: LambdaContext, callback: Callback) => unknown]
  >([
    [
      'returns a promise',
      (end) => async (event) => {
        end(event)
        return `${event} done`
      },
    ],
    [
      'calls back',
      (end) => (event, _context, callback) => {
        setImmediate(() => {
          end(event)
          callback(null, `${event} done`)
        })
      },
    ],
    [
      'does both',
      (end) => async (event, _context, callback) => {
        end(event)
        callback(null, `${event} done`)
        return `${event} done`
      },
    ],
  ])('has everything out before a handler that %s ends the invocation', async (_title, make) => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    const handler = flushAfterLambda(
      make((name) => delivering.end(name)),
      delivering.processor,
    )
    expect(await invoke(handler, 'first')).toBe('first done')
    expect(collector.kept).toEqual(['first'])
    expect(await invoke(handler, 'second')).toBe('second done')
    expect(collector.kept).toEqual(['first', 'second'])
  })

  it.each<[string, (event: string, context: LambdaContext, callback: Callback) => unknown]>([
    ['rejected', () => Promise.reject(error)],
    ['called back', (_event, _context, callback) => callback(error)],
    [
      'thrown',
      () => {
        throw error
      },
    ],
  ])('passes an error on as it was %s, after the flush', async (_title, fail) => {
    let flushes = 0
    const handler = flushAfterLambda(fail, { flush: async () => void flushes++ })
    await expect(invoke(handler, 'event')).rejects.toBe(error)
    expect(flushes).toBe(1)
  })

  it('leaves a streaming handler one, and flushes when it has written everything', async () => {
    // What `awslambda.streamifyResponse` does.
    const mark = Symbol.for('aws.lambda.runtime.handler.streaming')
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    const written: string[] = []
    const streaming = Object.assign(
      async (event: string, stream: { write(text: string): void }, context: LambdaContext) => {
        stream.write(`${event} ${context.getRemainingTimeInMillis()}`)
        delivering.end('streamed')
      },
      { [mark]: 'response' },
    )
    const handler = flushAfterLambda(streaming, delivering.processor)
    expect(handler[mark]).toBe('response')
    await handler('event', { write: (text) => written.push(text) }, { getRemainingTimeInMillis: () => 3000 })
    expect([written, collector.kept]).toEqual([['event 3000'], ['streamed']])
  })

  it('gives the flush up in time for the answer', async () => {
    const flushing = deferred()
    const handler = flushAfterLambda(async () => 'in time', { flush: () => flushing.promise })
    expect(await invoke(handler, 'event', 110)).toBe('in time')
    flushing.resolve()
  })
})

describe('flushAfterResponse', () => {
  const contexts = ['@vercel/request-context', '@next/request-context'].map((name) => Symbol.for(name))
  const holders = globalThis as unknown as Record<symbol, unknown>
  afterEach(() => {
    for (const symbol of contexts) delete holders[symbol]
  })

  it.each(contexts)('finds the waitUntil of %s, and waits for the end of the body', async (symbol) => {
    const work: Promise<unknown>[] = []
    holders[symbol] = { get: () => ({ waitUntil: (promise: Promise<unknown>) => work.push(promise) }) }
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    const handler = flushAfterResponse(async (request: Request) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        yield Buffer.from(new URL(request.url).pathname)
        delivering.end('while streaming')
      }
      return new Response(ReadableStream.from(body()), { status: 201, headers: { 'x-own': 'yes' } })
    }, delivering.processor)
    const response = await handler(new Request('http://localhost/path'))
    expect([response.status, response.headers.get('x-own'), work.length]).toEqual([201, 'yes', 1])
    expect(await response.text()).toBe('/path')
    await work[0]
    expect(collector.kept).toEqual(['while streaming'])
  })

  it('finds it in what the platform calls the handler with, and calls it as a method', async () => {
    class ExecutionContext {
      readonly work: Promise<unknown>[] = []
      waitUntil(promise: Promise<unknown>): void {
        this.work.push(promise)
      }
    }
    const context = new ExecutionContext()
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url })
    const worker = {
      fetch: flushAfterResponse((_request: Request, _env: object, _context: ExecutionContext) => {
        delivering.end('work')
        return Response.json({ ok: true })
      }, delivering.processor),
    }
    const response = await worker.fetch(new Request('http://localhost/'), {}, context)
    expect(await response.json()).toEqual({ ok: true })
    expect(context.work).toHaveLength(1)
    await context.work[0]
    expect(collector.kept).toEqual(['work'])
  })

  it('flushes when a body is cancelled, when there is none, and when the handler throws', async () => {
    const work: Promise<unknown>[] = []
    let flushes = 0
    const telemetry = { flush: async () => void flushes++ }
    const options = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1)) })
    const streaming = await flushAfterResponse(() => new Response(endless), telemetry, options)()
    await Promise.resolve()
    expect(flushes).toBe(0)
    await streaming.body!.cancel()
    await work[0]
    expect(flushes).toBe(1)
    expect((await flushAfterResponse(() => new Response(null, { status: 204 }), telemetry, options)()).status).toBe(204)
    await expect(flushAfterResponse(outside, telemetry, options)()).rejects.toThrow('outside of a request')
    await Promise.all(work)
    expect(flushes).toBe(3)
  })

  it('holds the response where the platform has no waitUntil', async () => {
    let flushes = 0
    const handler = flushAfterResponse(() => new Response('whole'), { flush: async () => void flushes++ })
    const response = await handler()
    expect(flushes).toBe(1)
    expect(await response.text()).toBe('whole')
  })
})
