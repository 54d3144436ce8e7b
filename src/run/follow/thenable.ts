import { context } from '@opentelemetry/api'

import type { Followed } from './followed.ts'
import { IdleWatch } from './idle-watch.ts'

/** Whether `await` would wait for a value. A `then` that throws when it is looked at is no thenable. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return (
      value !== null &&
      (typeof value === 'object' || typeof value === 'function') &&
      typeof (value as { then?: unknown }).then === 'function'
    )
  } catch {
    return false
  }
}

type Settled = (value: unknown, work: Followed) => unknown
type OnFulfilled = ((value: unknown) => unknown) | null | undefined
type OnRejected = ((error: unknown) => unknown) | null | undefined

/**
 * Waits for a promise without changing what its owner can do with it.
 *
 * A plain promise is replaced by the one derived from it, so that a rejection nobody handles is still reported as
 * unhandled. Every other thenable stays the same object with its `then` observed: lazy ones (query builders, SDK
 * promises with helpers of their own) start work in `then`, so calling it on our own account would do that work twice.
 */
export function followThenable(thenable: PromiseLike<unknown>, work: Followed, settled: Settled): PromiseLike<unknown> {
  if (thenable instanceof Promise && thenable.constructor === Promise) return derived(thenable, work, settled)
  try {
    return observed(thenable, work, settled)
  } catch {
    // Frozen: a promise in its place, which is what `await` would make of it.
    const inside = new Promise((resolve, reject) =>
      context.with(work.context, () => void thenable.then(resolve, reject)),
    )
    return derived(inside, work, settled)
  }
}

function derived(promise: Promise<unknown>, work: Followed, settled: Settled): Promise<unknown> {
  return promise.then(
    (value) => settled(value, work),
    (error: unknown) => {
      work.failed(error)
      throw error
    },
  )
}

/** Replaces a thenable's `then` by itself, run in the context of the work; the callbacks stay in their caller's. */
function observed(thenable: PromiseLike<unknown>, work: Followed, settled: Settled): PromiseLike<unknown> {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its owner below
  const { then } = thenable
  let idle: IdleWatch | undefined
  let first: { readonly handed: unknown } | undefined
  // What is handed out is the same for everybody who asks: a stream is followed once.
  const hand = (value: unknown): unknown => {
    idle?.stop()
    first ??= { handed: isThenable(value) ? followThenable(value, work, settled) : settled(value, work) }
    return first.handed
  }
  const fail = (error: unknown): void => {
    idle?.stop()
    work.failed(error)
  }
  const observedThen = function observedThen(onFulfilled?: OnFulfilled, onRejected?: OnRejected): unknown {
    const caller = context.active()
    const fulfilled = (value: unknown): unknown => {
      const handed = hand(value)
      return typeof onFulfilled === 'function' ? context.with(caller, onFulfilled, undefined, handed) : handed
    }
    const rejected = (error: unknown): unknown => {
      fail(error)
      if (typeof onRejected === 'function') return context.with(caller, onRejected, undefined, error)
      throw error
    }
    idle?.wait()
    try {
      return context.with(work.context, () => Reflect.apply(then, thenable, [fulfilled, rejected]) as unknown)
    } catch (error) {
      fail(error)
      throw error
    }
  }
  // oxlint-disable-next-line unicorn/no-thenable -- it is one already
  Object.defineProperty(thenable, 'then', {
    value: observedThen,
    configurable: true,
    writable: true,
    enumerable: false,
  })
  idle = new IdleWatch(work)
  return thenable
}
