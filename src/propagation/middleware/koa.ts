import { context } from '@opentelemetry/api'

import { checkedTrust, type Trust } from '../trust.ts'
import { boundStream } from './bound-stream.ts'
import { arriveOnNode, type NodeRequest, type NodeResponse } from './node-request.ts'

/** What the middleware reads of a Koa context. */
export interface KoaContext {
  readonly req: NodeRequest
  readonly res: NodeResponse
  readonly protocol?: string
  body?: unknown
  /** The pattern that `@koa/router` found. */
  readonly _matchedRoute?: unknown
}

/**
 * {@link expressMiddleware} for Koa. Use it before everything else; routes of `@koa/router` name the span.
 *
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing, or there is no such option
 */
export function koaMiddleware(options: {
  readonly trust: Trust
}): (koa: KoaContext, next: () => Promise<unknown>) => Promise<void> {
  const trust = checkedTrust(options, 'koaMiddleware', { trust: true })
  return async function runspanMiddleware(koa, next) {
    const inside = arriveOnNode(koa.req, koa.res, trust, {
      scheme: koa.protocol,
      route: () => routeOf(koa),
    })
    await context.with(inside, next)
    const { body } = koa
    const bound = boundStream(body, inside)
    if (bound !== body) koa.body = bound
  }
}

function routeOf({ _matchedRoute: route }: KoaContext): string | undefined {
  return typeof route === 'string' ? route : undefined
}
