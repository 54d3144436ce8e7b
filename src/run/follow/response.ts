import { count } from '../stats.ts'
import type { Followed } from './followed.ts'
import { followNodeStream, isNodeReadable } from './node-stream.ts'
import { followReadableStream } from './readable-stream.ts'

/** Fetch responses whose body has not been read. */
export function isStreamingResponse(value: object): value is Response {
  const candidate = value as Partial<Response> & { [Symbol.toStringTag]?: unknown }
  return (
    candidate[Symbol.toStringTag] === 'Response' &&
    typeof candidate.status === 'number' &&
    candidate.body !== null &&
    candidate.body !== undefined &&
    candidate.bodyUsed === false
  )
}

/**
 * Follows a response's body. A Node stream, as node-fetch has it, stays where it is. A web stream cannot be exchanged, so the response is built anew with status, status text,
 * headers and body; `url`, `type` and `redirected` cannot be given to a new response and are lost.
 */
export function followResponse(response: Response, work: Followed): Response | undefined {
  if (isNodeReadable(response.body!)) {
    followNodeStream(response.body, work)
    return response
  }
  const { status, statusText, headers } = response
  if (status < 200 || status > 599) {
    count(
      'streamsNotFollowed',
      `a response with status ${status} cannot be rebuilt; its span ended when it was handed over.`,
    )
    return undefined
  }
  const body = followReadableStream(response.body!, work)
  if (body === undefined) return undefined
  return new Response(body, { status, statusText, headers })
}
