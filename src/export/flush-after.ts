import { count, guarded } from '../run/stats.ts'
import type { WaitUntil } from './platform-wait-until.ts'

/** What can be flushed: what `registerRunspan` returns, a `RunspanSpanProcessor`, a `RunspanExporter`. */
export interface Flushable {
  flush(): Promise<unknown>
}

/** Options of {@link flushAfter}. */
export interface FlushAfterOptions {
  /**
   * What the platform has for work after the response: `waitUntil` of `@vercel/functions`, of a Cloudflare context and
   * the like. The response is then not held up.
   *
   * @defaultValue none: the handler's result waits for the flush. `flushAfterResponse` looks for the platform's first
   */
  readonly waitUntil?: WaitUntil | undefined
}

type Handler<Args extends unknown[], R> = (...args: Args) => R

/**
 * Flushes after each call of a handler, for platforms that stop a process between requests; `flushAfterResponse` and
 * `flushAfterLambda` know more of theirs. What the handler returns or throws stays the same; the flush ends at its own
 * deadline and never fails the handler. A body that is still being streamed is not waited for: its spans go out with the
 * next flush.
 *
 * @example
 * ```ts
 * import { flushAfter, registerRunspan } from 'runspan/node'
 *
 * const telemetry = registerRunspan({ flushTimeoutMillis: 2000 })
 * export const work = flushAfter(async (job: { question: string }) => job.question.length, telemetry)
 * ```
 */
export function flushAfter<Args extends unknown[], R>(
  handler: Handler<Args, R>,
  telemetry: Flushable,
  { waitUntil }: FlushAfterOptions = {},
): Handler<Args, Promise<Awaited<R>>> {
  return async function flushingHandler(this: unknown, ...args: Args): Promise<Awaited<R>> {
    try {
      return await handler.apply(this, args)
    } finally {
      const flushed = flushQuietly(telemetry)
      if (waitUntil === undefined) await flushed
      else guarded('waitUntil', () => waitUntil(flushed))
    }
  }
}

/** A flush whose failure is counted and harmless. */
export async function flushQuietly(telemetry: Flushable): Promise<void> {
  try {
    await telemetry.flush()
  } catch (error) {
    count('internalErrors', 'a flush after a request failed.', error)
  }
}
