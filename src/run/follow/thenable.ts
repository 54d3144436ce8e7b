import { context } from '@opentelemetry/api'

import type { Followed } from './followed.ts'

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

/**
 * Waits for a promise without changing what its owner can do with it.
 *
 * A plain promise is replaced by the one derived from it, so that a rejection nobody handles is still reported as
 * unhandled. Every other thenable stays the same object with its `then` observed: lazy ones (query builders, SDK
 * promises with helpers of their own) start work in `then`, so calling it on our own account would do that work twice.
 */
export function followThenable(thenable: PromiseLike<unknown>, work: Followed, settled: Settled): PromiseLike<unknown> {
  if (thenable instanceof Promise && thenable.constructor === Promise) {
    return thenable.then(
      (value) => settled(value, work),
      (error: unknown) => {
        work.failed(error)
        throw error
      },
    )
  }
  const then = thenable.then.bind(thenable)
  const observed = function observedThen(
    onFulfilled?: ((value: unknown) => unknown) | null,
    onRejected?: ((error: unknown) => unknown) | null,
  ): unknown {
    return context.with(work.context, () =>
      then(
        (value: unknown) => {
          const handed = settled(value, work)
          return typeof onFulfilled === 'function' ? onFulfilled(handed) : handed
        },
        (error: unknown) => {
          work.failed(error)
          if (typeof onRejected === 'function') return onRejected(error)
          throw error
        },
      ),
    )
  }
  try {
    // oxlint-disable-next-line unicorn/no-thenable -- it is one already
    Object.defineProperty(thenable, 'then', { value: observed, configurable: true, writable: true, enumerable: false })
    return thenable
  } catch {
    // Frozen: a promise in its place, which is what `await` would make of it.
    return Promise.resolve(thenable).then(
      (value) => settled(value, work),
      (error: unknown) => {
        work.failed(error)
        throw error
      },
    )
  }
}
