import { context } from '@opentelemetry/api'

import { checkedTrust, type Trust } from '../trust.ts'
import { boundStream } from './bound-stream.ts'
import { arriveOnNode, type NodeRequest, type NodeResponse } from './node-request.ts'
import { arriveOnWeb, type WebRequest } from './web-request.ts'

/** What the middleware reads of a Hono context. */
export interface HonoContext {
  readonly req: { readonly raw: WebRequest; readonly routePath: string }
  readonly env: unknown
  res: Response
}

/**
 * {@link expressMiddleware} for Hono 4: `app.use(honoMiddleware({ trust: true }))`, before everything else. On Node the
 * segment ends when the response is closed; elsewhere with the last byte of the body.
 *
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing, or there is no such option
 */
export function honoMiddleware(options: {
  readonly trust: Trust
}): (hono: HonoContext, next: () => Promise<void>) => Promise<void> {
  const trust = checkedTrust(options, 'honoMiddleware', { trust: true })
  return async function runspanMiddleware(hono, next) {
    const route = (): string | undefined => routeOf(hono)
    const node = nodeBindings(hono.env)
    if (node !== undefined) {
      const inside = arriveOnNode(node.incoming, node.outgoing, trust, { route })
      await context.with(inside, next)
      replaceResponse(hono, boundStream(hono.res, inside))
      return
    }
    const arrival = arriveOnWeb(hono.req.raw, trust, route)
    try {
      await context.with(arrival.context, next)
    } catch (error) {
      arrival.failed(error)
      throw error
    }
    replaceResponse(hono, await arrival.answered(hono.res))
  }
}

function replaceResponse(hono: HonoContext, response: Response): void {
  if (response !== hono.res) hono.res = response
}

/** The pattern of what ran last. Where nothing matched, that was a middleware for everything. */
function routeOf({ req }: HonoContext): string | undefined {
  const { routePath } = req
  return routePath === '*' || routePath === '/*' ? undefined : routePath
}

/** What `@hono/node-server` binds: the request and response of `node:http`. */
function nodeBindings(env: unknown): { incoming: NodeRequest; outgoing: NodeResponse } | undefined {
  const { incoming, outgoing } = (env ?? {}) as { incoming?: NodeRequest; outgoing?: NodeResponse }
  return incoming?.headers !== undefined && typeof outgoing?.on === 'function' ? { incoming, outgoing } : undefined
}
