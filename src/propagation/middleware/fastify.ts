import { context, type Context } from '@opentelemetry/api'

import { checkedTrust, type Trust } from '../trust.ts'
import { arriveOnNode, type NodeRequest, type NodeResponse } from './node-request.ts'

/** What the plugin reads of a request. */
export interface FastifyRequestLike {
  readonly raw: NodeRequest
  readonly protocol?: string
  readonly routeOptions?: { readonly url?: string | undefined }
}

type Hook = (request: FastifyRequestLike, reply: { readonly raw: NodeResponse }, done: () => void) => void

/** What the plugin needs of a Fastify instance. */
export interface FastifyLike {
  addHook(name: 'onRequest' | 'preValidation', hook: Hook): unknown
}

/** A Fastify plugin, structurally. */
export type FastifyPlugin = (fastify: FastifyLike, options: unknown, done: () => void) => void

/**
 * {@link expressMiddleware} for Fastify 5: `await app.register(fastifyPlugin({ trust: true }))`. Its hooks hold for the
 * instance that it is registered on and for everything below, not in a scope of its own.
 *
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing, or there is no such option
 */
export function fastifyPlugin(options: { readonly trust: Trust }): FastifyPlugin {
  const trust = checkedTrust(options, 'fastifyPlugin', { trust: true })
  const contexts = new WeakMap<NodeRequest, Context>()
  function runspanPlugin(fastify: FastifyLike, _options: unknown, done: () => void): void {
    fastify.addHook('onRequest', function enter(request, reply, next) {
      const inside = arriveOnNode(request.raw, reply.raw, trust, {
        scheme: request.protocol,
        route: () => request.routeOptions?.url,
      })
      contexts.set(request.raw, inside)
      context.with(inside, next)
    })
    // Fastify reads the body from events of the request, whose listeners run outside the request's context.
    fastify.addHook('preValidation', function enterAgain(request, _reply, next) {
      context.with(contexts.get(request.raw) ?? context.active(), next)
    })
    done()
  }
  return Object.assign(runspanPlugin, {
    // The marks of `fastify-plugin`: without them the hooks would stay in a scope of their own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'runspan',
    [Symbol.for('plugin-meta')]: { fastify: '5.x', name: 'runspan' },
  })
}
