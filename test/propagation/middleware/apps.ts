import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

import { type ErrorRequestHandler, type Express, json } from 'express'

import type { Trust } from '../../../src/index.ts'
import {
  expressMiddleware,
  fastifyPlugin,
  fetchHandler,
  honoMiddleware,
  koaMiddleware,
  nodeHandler,
} from '../../../src/propagation/middleware/index.ts'
import { type Answer, type Route, routes } from './routes.ts'

/** One way to serve the routes, with its middleware. Frameworks are loaded when asked for: instrumentations come first. */
export interface App {
  readonly name: string
  listener(trust: Trust, table: readonly Route[]): Promise<RequestListener>
}

export const apps: readonly App[] = [
  { name: 'Express 5', listener: async (trust, table) => express((await import('express')).default, trust, table) },
  {
    name: 'Express 4',
    listener: async (trust, table) =>
      express((await import('express4')).default as unknown as () => Express, trust, table),
  },
  { name: 'Fastify 5', listener: fastify },
  { name: 'Koa', listener: koa },
  { name: 'Hono on Node', listener: (trust, table) => hono(trust, table, true) },
  { name: 'Hono with fetch alone', listener: (trust, table) => hono(trust, table, false) },
  { name: 'route handlers in the manner of Next.js', listener: nextRoutes },
  { name: 'node:http', listener: nodeHttp },
]

/** Serves on a free port. */
export async function serveApp(
  app: App,
  trust: Trust,
  table: readonly Route[] = routes,
): Promise<{ readonly url: string } & AsyncDisposable> {
  // Longer than a busy machine takes to notice that a connection has gone: a request on one would be lost.
  const server = createServer({ keepAliveTimeout: 60_000 }, await app.listener(trust, table))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const onError: ErrorRequestHandler = (_error, _request, response, _next) => void response.status(500).end()

function express(create: () => Express, trust: Trust, table: readonly Route[]): RequestListener {
  const app = create()
  app.use(expressMiddleware({ trust }))
  app.use(json())
  for (const route of table) {
    app[route.method === 'GET' ? 'get' : 'post'](route.path, (request, response, next) => {
      const body: unknown = route.method === 'POST' ? request.body : undefined
      void (async () => {
        try {
          await send(await route.answer(request.params as Record<string, string>, body), response)
        } catch (error) {
          next(error)
        }
      })()
    })
  }
  app.use(onError)
  return app
}

async function fastify(trust: Trust, table: readonly Route[]): Promise<RequestListener> {
  const { fastify: create } = await import('fastify')
  const app = create()
  await app.register(fastifyPlugin({ trust }))
  for (const route of table) {
    app.route({
      method: route.method,
      url: route.path,
      async handler(request, reply) {
        const {
          status,
          json: value,
          chunks,
          isSilent,
        } = await route.answer(request.params as Record<string, string>, request.body)
        if (isSilent) return new Promise(() => {})
        return reply.code(status ?? 200).send(chunks === undefined ? value : Readable.from(chunks))
      },
    })
  }
  await app.ready()
  return (request, response) => app.routing(request, response)
}

async function koa(trust: Trust, table: readonly Route[]): Promise<RequestListener> {
  const { default: Koa } = await import('koa')
  const { default: Router } = await import('@koa/router')
  const app = new Koa()
  app.silent = true
  app.use(koaMiddleware({ trust }))
  const router = new Router()
  for (const route of table) {
    router[route.method === 'GET' ? 'get' : 'post'](route.path, async (ctx: KoaLike) => {
      const body = ctx.method === 'POST' ? await readJson(ctx.req) : undefined
      const given = await route.answer(ctx.params, body)
      if (given.isSilent) await new Promise(() => {})
      ctx.status = given.status ?? 200
      ctx.body = given.chunks === undefined ? given.json : Readable.from(given.chunks)
    })
  }
  app.use(router.routes())
  return detached(app.callback())
}

interface KoaLike {
  readonly method: string
  readonly req: IncomingMessage
  readonly params: Record<string, string>
  status: number
  body: unknown
}

async function hono(trust: Trust, table: readonly Route[], isOnNode: boolean): Promise<RequestListener> {
  const { Hono } = await import('hono')
  const { getRequestListener } = await import('@hono/node-server')
  const app = new Hono()
  app.use(honoMiddleware({ trust }))
  for (const route of table) {
    app.on(route.method, route.path, async (c) => {
      const body: unknown = route.method === 'POST' ? await c.req.json() : undefined
      return webResponse(await route.answer(c.req.param(), body))
    })
  }
  app.onError(() => new Response(null, { status: 500 }))
  const fetchOnly = (request: Request): Response | Promise<Response> => app.fetch(request)
  return detached(getRequestListener(isOnNode ? app.fetch : fetchOnly))
}

async function nextRoutes(trust: Trust, table: readonly Route[]): Promise<RequestListener> {
  const { getRequestListener } = await import('@hono/node-server')
  const handlers = table.map((route) => ({
    route,
    handle: fetchHandler(
      async (request: Request, { params }: { params: Promise<Record<string, string>> }) => {
        const body: unknown = request.method === 'POST' ? await request.json() : undefined
        return webResponse(await route.answer(await params, body))
      },
      { trust, route: route.path },
    ),
  }))
  const listener = getRequestListener(
    async (request) => {
      for (const { route, handle } of handlers) {
        const params = match(route, request.method, new URL(request.url).pathname)
        if (params !== undefined) return handle(request, { params: Promise.resolve(params) })
      }
      return new Response(null, { status: 404 })
    },
    { errorHandler: () => new Response(null, { status: 500 }) },
  )
  return detached(listener)
}

function nodeHttp(trust: Trust, table: readonly Route[]): Promise<RequestListener> {
  const found = new WeakMap<object, string>()
  async function listener(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      for (const route of table) {
        const params = match(route, request.method!, request.url!.split('?', 1)[0]!)
        if (params === undefined) continue
        found.set(request, route.path)
        const body = request.method === 'POST' ? await readJson(request) : undefined
        return await send(await route.answer(params, body), response)
      }
      response.writeHead(404).end()
    } catch {
      response.writeHead(500).end()
    }
  }
  return Promise.resolve(detached(nodeHandler(listener, { trust, route: (request) => found.get(request) })))
}

/** A listener that answers later: a server takes no promise. */
function detached(listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>): RequestListener {
  return (request, response) => void listener(request, response)
}

function match(route: Route, method: string, path: string): Record<string, string> | undefined {
  const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
  const found = route.method === method ? pattern.exec(path) : null
  return found === null ? undefined : { ...found.groups }
}

async function send({ status, json: value, chunks, isSilent }: Answer, response: ServerResponse): Promise<void> {
  if (isSilent) return
  response.statusCode = status ?? 200
  if (chunks === undefined) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(value))
    return
  }
  for await (const chunk of chunks) response.write(chunk)
  response.end()
}

function webResponse({ status, json: body, chunks, isSilent }: Answer): Response | Promise<Response> {
  if (isSilent) return new Promise(() => {})
  if (chunks === undefined) return Response.json(body, { status: status ?? 200 })
  const iterator = chunks[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  const stream = new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
  return new Response(stream)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text)
}
