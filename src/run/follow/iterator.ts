import { context } from '@opentelemetry/api'

import { count } from '../stats.ts'
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
  const followed = new FollowedIterator(iterator, work)
  const { next, return: stop, throw: raise } = iterator
  try {
    followed.observe('next', next)
    if (typeof stop === 'function') followed.observe('return', stop)
    if (typeof raise === 'function') followed.observe('throw', raise)
  } catch {
    count('streamsNotFollowed', 'a returned iterator is frozen; its span ended when it was handed over.')
    return undefined
  }
  followed.handOut()
  return iterator
}

/**
 * One iterator of some work.
 *
 * - open: steps pass through, and each starts the idle time anew.
 * - over: entered once, by the last step, a failure or the reader's break. Steps pass through and say nothing more.
 */
class FollowedIterator {
  readonly #iterator: AnyIterator
  readonly #work: Followed
  #idle: IdleWatch | undefined
  #isOver = false

  constructor(iterator: AnyIterator, work: Followed) {
    this.#iterator = iterator
    this.#work = work
  }

  handOut(): void {
    this.#idle = new IdleWatch(this.#work)
  }

  /** Replaces one method by itself, run in the context of the work. */
  observe(name: 'next' | 'return' | 'throw', method: Method): void {
    const onResult = (result: unknown): unknown => {
      this.#stepped(name, result)
      return result
    }
    const onFailure = (error: unknown): never => {
      this.#failed(error)
      throw error
    }
    const step = (args: unknown[]): unknown => {
      if (!this.#isOver) this.#idle?.wait()
      let result: unknown
      try {
        result = context.with(this.#work.context, () => Reflect.apply(method, this.#iterator, args))
      } catch (error) {
        return onFailure(error)
      }
      return isThenable(result) ? Promise.resolve(result).then(onResult, onFailure) : onResult(result)
    }
    const observedStep = function observedStep(...args: unknown[]): unknown {
      return step(args)
    }
    Object.defineProperty(this.#iterator, name, {
      value: observedStep,
      configurable: true,
      writable: true,
      enumerable: false,
    })
  }

  #stepped(name: 'next' | 'return' | 'throw', result: unknown): void {
    if (this.#isOver) return
    const { done, value } = read(result)
    if (!done) {
      this.#idle?.rest()
      if (name === 'next') this.#work.chunk?.(value)
      return
    }
    this.#end()
    if (name === 'return') this.#work.stopped('consumer_stopped')
    else this.#work.completed(value)
  }

  #failed(error: unknown): void {
    if (this.#isOver) return
    this.#end()
    this.#work.failed(error)
  }

  #end(): void {
    this.#isOver = true
    this.#idle?.stop()
  }
}

/** An iterator may be written by hand, and return anything. */
function read(result: unknown): { readonly done: boolean; readonly value?: unknown } {
  try {
    const { done, value } = result as IteratorResult<unknown>
    return { done: Boolean(done), value }
  } catch {
    return { done: false }
  }
}

/**
 * Follows an object that hands out iterators: the first iterator's end is the end of the work. The object stays the
 * same, with the methods observed that open one. The stream objects of OpenAI's and Anthropic's clients have a second,
 * `iterator`, which their `tee` uses.
 */
export function followAsyncIterable(iterable: AsyncIterable<unknown>, work: Followed): unknown {
  let idle: IdleWatch | undefined
  let isFollowed = false
  const observe = (name: typeof Symbol.asyncIterator | 'iterator'): void => {
    const open = (iterable as unknown as Record<string | symbol, unknown>)[name]
    if (typeof open !== 'function') return
    const observedOpen = function observedOpen(...args: unknown[]): unknown {
      let iterator: unknown
      try {
        iterator = context.with(work.context, () => Reflect.apply(open, iterable, args) as unknown)
      } catch (error) {
        idle?.stop()
        if (!isFollowed) work.failed(error)
        throw error
      }
      if (isFollowed) return iterator
      isFollowed = true
      idle?.stop()
      if (followIterator(iterator as AnyIterator, work) === undefined) work.completed()
      return iterator
    }
    Object.defineProperty(iterable, name, { value: observedOpen, configurable: true, writable: true })
  }
  try {
    observe(Symbol.asyncIterator)
  } catch {
    count('streamsNotFollowed', 'a returned iterable is frozen; its span ended when it was handed over.')
    return undefined
  }
  observe('iterator')
  idle = new IdleWatch(work)
  return iterable
}
