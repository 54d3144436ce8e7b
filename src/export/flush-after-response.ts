import { context } from '@opentelemetry/api'

import { followResponse, isStreamingResponse } from '../run/follow/response.ts'
import { guarded } from '../run/stats.ts'
import { flushQuietly, type Flushable, type FlushAfterOptions } from './flush-after.ts'
import { platformWaitUntil } from './platform-wait-until.ts'

/** How long a body may lie unread before the flush no longer waits for its end. */
const idleMillis = 300_000

/**
 * Flushes after each response of a fetch handler, once its body has been read to the end, without holding it up: for
 * Vercel, Next.js and everything else that has a `waitUntil`. That one is found: in the arguments of the handler, or
 * in the platform's request context. Where there is none, the response waits for the flush, and a body that is still
 * being made does not.
 *
 * A response with a body is built anew around it, with its status and headers; `url`, `type` and `redirected`, which
 * responses of handlers do not have, are lost. What the handler throws stays the same.
 *
 * @example
 * ```ts
 * import { flushAfterResponse, registerRunspan } from 'runspan/node'
 *
 * const telemetry = registerRunspan()
 * export const POST = flushAfterResponse(async (request: Request) => new Response(await request.text()), telemetry)
 * ```
 */
export function flushAfterResponse<Args extends unknown[], R>(
  handler: (...args: Args) => R,
  telemetry: Flushable,
  { waitUntil }: FlushAfterOptions = {},
): (...args: Args) => Promise<Awaited<R>> {
  return async function flushingHandler(this: unknown, ...args: Args): Promise<Awaited<R>> {
    const hold = waitUntil ?? guarded('waitUntil', () => platformWaitUntil(args))
    let bodyEnded: Promise<void> | undefined
    try {
      const followed = follow(await handler.apply(this, args), hold !== undefined)
      bodyEnded = followed.ended
      return followed.result
    } finally {
      if (hold === undefined) await flushQuietly(telemetry)
      else guarded('waitUntil', () => hold(flushWhen(bodyEnded, telemetry)))
    }
  }
}

async function flushWhen(ended: Promise<void> | undefined, telemetry: Flushable): Promise<void> {
  await ended
  await flushQuietly(telemetry)
}

function follow<R>(result: R, isWanted: boolean): { readonly result: R; readonly ended?: Promise<void> } {
  if (!isWanted || typeof result !== 'object' || result === null || !isStreamingResponse(result)) return { result }
  let end!: () => void
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const work = { context: context.active(), idleMillis, completed: end, failed: end, stopped: end }
  const response = followResponse(result, work)
  return response === undefined ? { result } : { result: response as R, ended }
}
