/**
 * Middlewares that make requests of trusted callers segments of the caller's run. In: requests with the run's headers.
 * Out: one joined span per request, named by its route. Called once by each service, with the framework it has; no
 * framework is loaded by it.
 *
 * @module
 */
export { expressMiddleware, type ExpressRequest, type ExpressResponse, type Middleware } from './express.ts'
export { fastifyPlugin, type FastifyLike, type FastifyPlugin, type FastifyRequestLike } from './fastify.ts'
export { fetchHandler, type FetchHandlerOptions } from './fetch-handler.ts'
export { honoMiddleware, type HonoContext } from './hono.ts'
export { koaMiddleware, type KoaContext } from './koa.ts'
export { nodeHandler, type NodeHandlerOptions } from './node-handler.ts'
export type { NodeRequest, NodeResponse } from './node-request.ts'
export { trpcMiddleware, type TrpcCall, type TrpcOptions } from './trpc.ts'
export type { WebRequest } from './web-request.ts'
export type { Trust, TrustedRequest } from '../trust.ts'
export type { TrustKey } from '../trust-key.ts'
