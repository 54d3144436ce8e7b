import { context, type Context } from '@opentelemetry/api'

import { follow } from '../../run/follow/follow.ts'
import type { Segment } from '../../run/segment.ts'
import { totalsHeader } from '../totals-header.ts'
import type { TrustCheck } from '../trust.ts'
import { arrive } from './arrive.ts'
import { openHttpSegment } from './http-segment.ts'
import { seal } from './return-totals.ts'
import { seeWhole } from './whole-body.ts'

/** What is read of a fetch `Request`. */
export interface WebRequest {
  readonly headers: Headers
  readonly method: string
  readonly url: string
  readonly signal?: AbortSignal | undefined
}

/** A request that has come in, on its way to its response. */
export interface WebArrival {
  readonly context: Context
  /** Follows the response to its last byte. Returns what to send: the same response, or one built anew around it. */
  answered<R>(response: R): Promise<R>
  /** The handler threw: whoever called it answers. */
  failed(error: unknown): void
}

/**
 * In which context a fetch request is handled. Its segment, if there is one, ends with the last byte of the response's
 * body; a client that went away is `cancelled`.
 */
export function arriveOnWeb(request: WebRequest, isTrusted: TrustCheck, route: () => string | undefined): WebArrival {
  let segment: Segment | undefined
  let status: number | undefined
  let isOver = false
  const inside = arrive(
    request.headers,
    isTrusted,
    () => ({ headers: Object.fromEntries(request.headers) }),
    function join(ref, active) {
      const url = urlOf(request.url)
      segment = openHttpSegment(ref, active, {
        method: request.method,
        path: url?.pathname,
        scheme: url?.protocol.slice(0, -1) ?? 'http',
        host: url?.host,
        route() {
          isOver = true
          return route()
        },
        status: () => status,
      })
      const opened = segment
      request.signal?.addEventListener('abort', () => {
        if (isOver) return
        status = undefined
        opened.callerGone()
      })
      return opened
    },
  )
  return {
    context: inside,
    async answered(given) {
      if (segment === undefined) return given
      status = (given as { status?: number }).status
      const { response, isWhole } = await seeWhole(given, inside)
      writeTotals(response, segment, isWhole)
      // Nobody reads the body of what has none on the wire, and all of a whole one has been read.
      if (isWhole || request.method === 'HEAD') {
        segment.completed()
        return response
      }
      return context.with(inside, follow, undefined, response, segment) as typeof response
    },
    failed(error) {
      segment?.failed(error)
    },
  }
}

function writeTotals(response: unknown, segment: Segment, isWhole: boolean): void {
  try {
    const { status, headers } = response as Response
    seal(segment, status, isWhole, (value) => headers.set(totalsHeader, value))
  } catch {
    // No response, or one whose headers cannot be written: of `Response.error()`, say.
  }
}

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
