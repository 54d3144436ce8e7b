import { context } from '@opentelemetry/api'

/**
 * Binds a function to the run that it is bound in: whoever calls it later, it runs there. For code that Node or a
 * library calls from elsewhere, where the context is another or none:
 *
 * - a listener of an event emitter runs where the event is emitted, not where the listener was added;
 * - a job in a worker pool or an in-memory queue runs where the pool takes it up;
 * - `pull` of a web stream, and a pooled connection's callback, run where somebody reads.
 *
 * Promises, timers, `setImmediate` and `for await` keep the context and need no binding. In another process there is
 * nothing to bind to: carry the run there, and join it.
 *
 * @returns the function with the same type; `this` and its arguments are the caller's
 *
 * @example
 * ```ts
 * import { EventEmitter } from 'node:events'
 * import { bindRun, currentRunId } from 'runspan'
 *
 * export function watch(changes: EventEmitter): void {
 *   changes.on('change', bindRun((row: number) => console.log(currentRunId(), row)))
 * }
 * ```
 */
export function bindRun<F extends (...args: never[]) => unknown>(fn: F): F {
  return context.bind(context.active(), fn)
}
