import { context } from '@opentelemetry/api'

import { checkedTrust, type Trust } from '../trust.ts'
import { arriveOnNode, pathOf, type NodeRequest, type NodeResponse } from './node-request.ts'

/** What the middleware reads of a request. Express 4 and 5 fit, and so does anything that builds on Node's. */
export interface ExpressRequest extends NodeRequest {
  readonly originalUrl?: string | undefined
  readonly baseUrl?: string | undefined
  readonly route?: unknown
  readonly protocol?: string | undefined
}

/** What the middleware reads of a response. */
export type ExpressResponse = NodeResponse

/** An Express middleware, structurally: our declarations need no Express types. */
export type Middleware = (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void) => void

/**
 * Makes every request of a trusted caller that carries a run a segment of that run. All other requests pass through: a
 * plain `traceparent` is what every browser and gateway sends.
 *
 * Beside the official HTTP instrumentation the segment is an INTERNAL span below its server span; without it, the
 * segment is the server span, `{METHOD} {route}`. It ends when the response is closed, after its last byte; a client
 * that went away is `cancelled`. Express 4 and 5.
 *
 * @param options `trust` decides per request, or for all, whether the caller may write into its run. A run opened in
 *   the handler of an untrusted request has a trace of its own and a `trigger` link to the caller
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing, or there is no such option
 */
export function expressMiddleware(options: { readonly trust: Trust }): Middleware {
  const trust = checkedTrust(options, 'expressMiddleware', { trust: true })
  return function runspanMiddleware(request, response, next) {
    const inside = arriveOnNode(request, response, trust, {
      path: pathOf(request.originalUrl ?? request.url),
      scheme: request.protocol,
      route: () => routeOf(request),
    })
    context.with(inside, next)
  }
}

function routeOf(request: ExpressRequest): string | undefined {
  const path = (request.route as { path?: unknown } | undefined)?.path
  return typeof path === 'string' ? `${request.baseUrl ?? ''}${path}` : undefined
}
