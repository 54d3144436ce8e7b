import type { Context } from '@opentelemetry/api'

import type { TrustCheck } from '../trust.ts'
import { arrive } from './arrive.ts'
import { openHttpSegment } from './http-segment.ts'
import { returnTotals } from './return-totals.ts'

/** What is read of a request of `node:http`. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The socket; one with `encrypted` speaks TLS. */
  readonly socket?: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean } | null | undefined
}

/** What is read of a response of `node:http`. */
export interface NodeResponse {
  readonly statusCode: number
  /** False where the client went away before the last byte. */
  readonly writableFinished?: boolean
  on(event: 'close', listener: () => void): unknown
}

/** What a framework knows better than `node:http`. */
export interface NodeRequestDetails {
  readonly path?: string | undefined
  readonly scheme?: string | undefined
  readonly route?: (() => string | undefined) | undefined
}

/**
 * In which context the rest of a request of `node:http` runs. Its segment, if there is one, ends when the response is
 * closed, after its last byte; a client that went away is `cancelled`.
 */
export function arriveOnNode(
  request: NodeRequest,
  response: NodeResponse,
  isTrusted: TrustCheck,
  details: NodeRequestDetails = {},
): Context {
  return arrive(
    request.headers,
    isTrusted,
    () => request,
    function join(ref, active) {
      const { host } = request.headers
      const segment = openHttpSegment(ref, active, {
        method: request.method,
        path: details.path ?? pathOf(request.url),
        scheme: details.scheme ?? (request.socket?.encrypted === true ? 'https' : 'http'),
        host: typeof host === 'string' ? host : undefined,
        route: details.route ?? (() => undefined),
        status: () => (response.writableFinished === false ? undefined : response.statusCode),
      })
      returnTotals(response, segment)
      response.on('close', () => {
        if (response.writableFinished === false) segment.callerGone()
        else segment.completed()
      })
      return segment
    },
  )
}

export function pathOf(url: string | undefined): string | undefined {
  return url?.split('?', 1)[0]
}
