import { context } from '@opentelemetry/api'

import type { Followed } from './followed.ts'
import { IdleWatch } from './idle-watch.ts'
import { isThenable } from './thenable.ts'

type Method = (...args: unknown[]) => unknown
interface AnyIterator {
  next: Method
  return?: Method
  throw?: Method
}

/** Generators and other objects that are their own iterator, synchronous or not. */
export function isIterator(value: object): value is AnyIterator {
  const candidate = value as Partial<Record<string | symbol, unknown>>
  return (
    typeof candidate['next'] === 'function' &&
    (typeof candidate[Symbol.asyncIterator] === 'function' || typeof candidate[Symbol.iterator] === 'function')
  )
}

/** Objects that hand out async iterators, such as the stream objects of model clients. */
export function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function'
}

/**
 * Follows a generator by observing its own methods: it stays the same object, of the same type, and each step runs in
 * the context of the work. A body without that sees the context of whoever calls `next` (opentelemetry-js#2951).
 */
export function followIterator(iterator: AnyIterator, work: Followed): unknown {
  const idle = new IdleWatch(work)
  const { next, return: stop, throw: raise } = iterator
  observe(iterator, 'next', next, work, idle, (result) => {
    if (result.done === true) work.completed(result.value)
    else work.chunk?.(result.value)
    return result.done === true
  })
  if (typeof stop === 'function') {
    observe(iterator, 'return', stop, work, idle, (result) => {
      if (result.done === true) work.stopped('consumer_stopped')
      return result.done === true
    })
  }
  if (typeof raise === 'function') {
    observe(iterator, 'throw', raise, work, idle, (result) => {
      if (result.done === true) work.completed(result.value)
      return result.done === true
    })
  }
  return iterator
}

/** Replaces one method by itself, run in the context of the work; `onResult` says whether the work is over. */
function observe(
  iterator: AnyIterator,
  name: 'next' | 'return' | 'throw',
  method: Method,
  work: Followed,
  idle: IdleWatch,
  onResult: (result: IteratorResult<unknown>) => boolean,
): void {
  const onFailure = (error: unknown): never => {
    idle.stop()
    work.failed(error)
    throw error
  }
  const onStep = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (onResult(result)) idle.stop()
    return result
  }
  const observed = function observedStep(this: unknown, ...args: unknown[]): unknown {
    idle.step()
    let result: unknown
    try {
      result = context.with(work.context, () => Reflect.apply(method, iterator, args))
    } catch (error) {
      return onFailure(error)
    }
    return isThenable(result)
      ? result.then(onStep as (value: unknown) => unknown, onFailure)
      : onStep(result as IteratorResult<unknown>)
  }
  Object.defineProperty(iterator, name, { value: observed, configurable: true, writable: true, enumerable: false })
}

/**
 * Follows an object that hands out iterators: the first iterator's end is the end of the work. The object stays the
 * same, with its iterator method observed.
 */
export function followAsyncIterable(iterable: AsyncIterable<unknown>, work: Followed): unknown {
  const idle = new IdleWatch(work)
  const open = iterable[Symbol.asyncIterator]
  let followed = false
  const observedOpen = function observedOpen(this: unknown): AsyncIterator<unknown> {
    idle.stop()
    const iterator = context.with(work.context, () => Reflect.apply(open, iterable, []))
    if (followed) return iterator
    followed = true
    return followIterator(iterator as never, work) as AsyncIterator<unknown>
  }
  Object.defineProperty(iterable, Symbol.asyncIterator, { value: observedOpen, configurable: true, writable: true })
  return iterable
}
