import { context } from '@opentelemetry/api'

import { guarded } from '../../run/stats.ts'
import { checkedTrust, type Trust } from '../trust.ts'
import { arriveOnNode, type NodeRequest, type NodeResponse } from './node-request.ts'

/** Options of {@link nodeHandler}. */
export interface NodeHandlerOptions<Q> {
  readonly trust: Trust
  /** The pattern that the request matched, which names the span: `/find/:what`. Asked at the end. @defaultValue none */
  readonly route?: ((request: Q) => string | undefined) | undefined
}

/**
 * {@link expressMiddleware} for a bare server: `createServer(nodeHandler(listener, { trust: true }))`.
 *
 * Listeners of the request's events (`request.on('data', …)`) run outside the listener's context, as all of Node's do:
 * read the body with `for await`, or wrap such a listener in `bindRun`.
 *
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing, or there is no such option
 */
export function nodeHandler<Q extends NodeRequest, S extends NodeResponse, R>(
  listener: (request: Q, response: S) => R,
  options: NodeHandlerOptions<Q>,
): (request: Q, response: S) => R {
  const trust = checkedTrust(options, 'nodeHandler', { trust: true, route: true })
  return function runspanHandler(this: unknown, request, response) {
    const { route } = options
    const inside = arriveOnNode(request, response, trust, {
      route: route === undefined ? undefined : () => guarded('route', () => route(request)),
    })
    return context.with(inside, listener, this, request, response)
  }
}
