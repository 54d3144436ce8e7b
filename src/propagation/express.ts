import {
  SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api'

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '../attributes.ts'
import { openSegment } from '../run/join-run.ts'
import { withCaller } from '../run/run-context.ts'
import type { Segment } from '../run/segment.ts'
import { count } from '../run/stats.ts'
import type { RunRef } from '../run/types.ts'
import { extractCaller, extractRun } from './extract-run.ts'
import { parseTraceparent } from './traceparent.ts'
import { traceStateFrom } from './run-trace-state.ts'
import { checkedTrust, isTrusted, type Trust } from './trust.ts'

/** What the middleware reads of a request. Express 4 and 5 fit, and so does anything that builds on Node's. */
export interface ExpressRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly originalUrl?: string | undefined
  readonly baseUrl?: string | undefined
  readonly route?: unknown
  readonly protocol?: string | undefined
}

/** What the middleware reads of a response. */
export interface ExpressResponse {
  readonly statusCode: number
  readonly writableFinished?: boolean
  on(event: 'close', listener: () => void): unknown
}

/** An Express middleware, structurally: our declarations need no Express types. */
export type Middleware = (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void) => void

/**
 * Makes every request of a trusted caller that carries a run a segment of that run. All other requests pass through: a
 * plain `traceparent` is what every browser and gateway sends.
 *
 * Beside the official HTTP instrumentation the segment is an INTERNAL span below its server span; without it, the
 * segment is the server span, `{METHOD} {route}`. It ends when the response is closed, after its last byte; a client
 * that went away is `cancelled`.
 *
 * @param options `trust` decides per request, or for all, whether the caller may write into its run. A run opened in
 *   the handler of an untrusted request has a trace of its own and a `trigger` link to the caller
 * @throws {@link RunspanError} `bad_configuration` where `trust` is missing
 */
export function expressMiddleware(options: { readonly trust: Trust }): Middleware {
  const trust = checkedTrust(options, 'expressMiddleware')
  return function runspanMiddleware(request, response, next) {
    let inside: Context
    try {
      inside = contextOfRequest(request, response, trust)
    } catch (error) {
      count('internalErrors', 'failed to join a request; it was passed through', error)
      inside = context.active()
    }
    context.with(inside, next)
  }
}

/** In which context the rest of the request runs. */
function contextOfRequest(request: ExpressRequest, response: ExpressResponse, trust: Trust): Context {
  const active = context.active()
  const ref = extractRun(request.headers)
  if (ref !== undefined) {
    if (isTrusted(trust, request)) return joinRequest(active, ref, request, response).context
    count('requestsUntrusted')
  }
  const caller = extractCaller(request.headers)
  return caller === undefined ? active : withCaller(active, { ...caller, isRemote: true })
}

function joinRequest(active: Context, ref: RunRef, request: ExpressRequest, response: ExpressResponse): Segment {
  const server = trace.getSpanContext(active)
  const hasServerSpan =
    server !== undefined && isSpanContextValid(server) && server.traceId === ref.runId && server.isRemote !== true
  const segment = hasServerSpan
    ? openSegment(
        ref,
        active,
        { name: `join ${request.method ?? 'HTTP'}` },
        { onWrite: (span) => nameJoined(span, request, response) },
      )
    : openSegment(
        ref,
        remoteParent(active, ref),
        { attributes: requestAttributes(request) },
        {
          kind: SpanKind.SERVER,
          spanName: request.method ?? 'HTTP',
          onWrite: (span) => describeServerSpan(span, request, response),
        },
      )
  response.on('close', () => {
    if (response.writableFinished === false) segment.callerGone()
    else segment.completed()
  })
  return segment
}

function remoteParent(active: Context, ref: RunRef): Context {
  const traceState = traceStateFrom(ref.tracestate)
  const parent = {
    ...parseTraceparent(ref.traceparent)!,
    isRemote: true,
    ...(traceState === undefined ? {} : { traceState }),
  }
  return trace.setSpanContext(active, parent)
}

/** The route is known only once the router has found it, at the end. */
function nameJoined(span: Span, request: ExpressRequest, response: ExpressResponse): void {
  const route = routeOf(request)
  if (route !== undefined) span.updateName(`join ${request.method ?? 'HTTP'} ${route}`)
  markServerFailure(span, response)
}

function describeServerSpan(span: Span, request: ExpressRequest, response: ExpressResponse): void {
  const route = routeOf(request)
  if (route !== undefined) {
    span.updateName(`${request.method ?? 'HTTP'} ${route}`)
    span.setAttribute(ATTR_HTTP_ROUTE, route)
  }
  if (response.writableFinished !== false) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, response.statusCode)
  markServerFailure(span, response)
}

function markServerFailure(span: Span, response: ExpressResponse): void {
  // A server's span fails with 5xx alone: 4xx is the client's failure (HTTP conventions, "Status").
  if (response.writableFinished === false || response.statusCode < 500) return
  span.setAttribute(ATTR_ERROR_TYPE, String(response.statusCode))
  span.setStatus({ code: SpanStatusCode.ERROR })
}

function routeOf(request: ExpressRequest): string | undefined {
  const path = (request.route as { path?: unknown } | undefined)?.path
  return typeof path === 'string' ? `${request.baseUrl ?? ''}${path}` : undefined
}

function requestAttributes(request: ExpressRequest): Record<string, string | number> {
  const attributes: Record<string, string | number> = { [ATTR_URL_SCHEME]: request.protocol ?? 'http' }
  if (request.method !== undefined) attributes[ATTR_HTTP_REQUEST_METHOD] = request.method
  const path = (request.originalUrl ?? request.url)?.split('?', 1)[0]
  if (path !== undefined) attributes[ATTR_URL_PATH] = path
  const host = request.headers['host']
  const match = typeof host === 'string' ? /^(.*?)(?::(\d+))?$/.exec(host) : null
  if (match?.[1]) attributes[ATTR_SERVER_ADDRESS] = match[1]
  if (match?.[2]) attributes[ATTR_SERVER_PORT] = Number(match[2])
  return attributes
}
