import { SpanKind, SpanStatusCode, isSpanContextValid, trace, type Context, type Span } from '@opentelemetry/api'

import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '../../attributes.ts'
import { openSegment } from '../../run/join-run.ts'
import type { Segment } from '../../run/segment.ts'
import type { RunRef } from '../../run/types.ts'
import { traceStateFrom } from '../run-trace-state.ts'
import { parseTraceparent } from '../traceparent.ts'

/** A request and its response, as a span tells of them. */
export interface HttpExchange {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly scheme: string
  /** The `Host` header. */
  readonly host: string | undefined
  /** The pattern that the router found, which it knows only at the end. */
  route(): string | undefined
  /** The status that the client got; `undefined` where it got none. */
  status(): number | undefined
}

/**
 * Opens the segment that stands for a request: an INTERNAL span below the server span that an instrumentation has
 * started for it; where there is none, the server span itself, `{METHOD} {route}`.
 */
export function openHttpSegment(ref: RunRef, active: Context, exchange: HttpExchange): Segment {
  const method = exchange.method ?? 'HTTP'
  if (hasServerSpan(active, ref)) {
    return openSegment(
      ref,
      active,
      { name: `join ${method}` },
      { onWrite: (span) => finishJoined(span, method, exchange) },
    )
  }
  return openSegment(
    ref,
    remoteParent(active, ref),
    { attributes: requestAttributes(exchange) },
    { kind: SpanKind.SERVER, spanName: method, onWrite: (span) => finishServerSpan(span, method, exchange) },
  )
}

/** Whether an instrumentation has started a span for this request, in the run's own trace. */
export function hasServerSpan(active: Context, ref: RunRef): boolean {
  const server = trace.getSpanContext(active)
  return server !== undefined && isSpanContextValid(server) && server.traceId === ref.runId && server.isRemote !== true
}

/** A context whose active span is the caller's. */
export function remoteParent(active: Context, ref: RunRef): Context {
  const traceState = traceStateFrom(ref.tracestate)
  const parent = { ...parseTraceparent(ref.traceparent)!, isRemote: true }
  return trace.setSpanContext(active, traceState === undefined ? parent : { ...parent, traceState })
}

function finishJoined(span: Span, method: string, exchange: HttpExchange): void {
  const route = exchange.route()
  if (route !== undefined) span.updateName(`join ${method} ${route}`)
  markServerFailure(span, exchange.status())
}

function finishServerSpan(span: Span, method: string, exchange: HttpExchange): void {
  const route = exchange.route()
  if (route !== undefined) {
    span.updateName(`${method} ${route}`)
    span.setAttribute(ATTR_HTTP_ROUTE, route)
  }
  const status = exchange.status()
  if (status !== undefined) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status)
  markServerFailure(span, status)
}

/** A server's span fails with 5xx alone: 4xx is the client's failure (HTTP conventions, "Status"). */
function markServerFailure(span: Span, status: number | undefined): void {
  if (status === undefined || status < 500) return
  span.setAttribute(ATTR_ERROR_TYPE, String(status))
  span.setStatus({ code: SpanStatusCode.ERROR })
}

function requestAttributes({ method, path, scheme, host }: HttpExchange): Record<string, string | number> {
  const attributes: Record<string, string | number> = { [ATTR_URL_SCHEME]: scheme }
  if (method !== undefined) attributes[ATTR_HTTP_REQUEST_METHOD] = method
  if (path !== undefined) attributes[ATTR_URL_PATH] = path
  const match = host === undefined ? null : /^(.*?)(?::(\d+))?$/.exec(host)
  if (match?.[1]) attributes[ATTR_SERVER_ADDRESS] = match[1]
  if (match?.[2]) attributes[ATTR_SERVER_PORT] = Number(match[2])
  return attributes
}
