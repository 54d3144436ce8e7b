import { context } from '@opentelemetry/api'

import { guarded } from '../../run/stats.ts'
import { checkedTrust, type Trust } from '../trust.ts'
import { arriveOnWeb, type WebRequest } from './web-request.ts'

/** Options of {@link fetchHandler}. */
export interface FetchHandlerOptions {
  readonly trust: Trust
  /** The pattern that names the span, `/api/find/[what]`, or what finds it. @defaultValue none */
  readonly route?: string | ((request: Request) => string | undefined) | undefined
}

/**
 * {@link expressMiddleware} for handlers of fetch requests: route handlers of Next.js, `fetch` of Hono, Deno, Bun or a
 * worker. The handler keeps its type and its further arguments.
 *
 * The segment ends with the last byte of the body. A response with a body is built anew around it, with status, status
 * text and headers.
 *
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing, or there is no such option
 *
 * @example
 * ```ts
 * import { fetchHandler } from 'runspan/middleware'
 *
 * // app/api/find/[what]/route.ts
 * export const GET = fetchHandler(
 *   async (request: Request, { params }: { params: Promise<{ what: string }> }) =>
 *     Response.json({ found: (await params).what, url: request.url }),
 *   { trust: (request) => request.headers['x-mesh'] === 'internal', route: '/api/find/[what]' },
 * )
 * ```
 */
export function fetchHandler<Q extends WebRequest, Rest extends unknown[], R>(
  handler: (request: Q, ...rest: Rest) => R | Promise<R>,
  options: FetchHandlerOptions,
): (request: Q, ...rest: Rest) => Promise<R> {
  const trust = checkedTrust(options, 'fetchHandler', { trust: true, route: true })
  const { route } = options
  return async function runspanHandler(request, ...rest) {
    const arrival = arriveOnWeb(request, trust, () =>
      typeof route === 'function' ? guarded('route', () => route(request as unknown as Request)) : route,
    )
    let response: R
    try {
      response = await context.with(arrival.context, handler, undefined, request, ...rest)
    } catch (error) {
      arrival.failed(error)
      throw error
    }
    return arrival.answered(response)
  }
}
