import { context, type Context } from '@opentelemetry/api'

import { isByteStream } from '../../run/follow/readable-stream.ts'
import { isStreamingResponse } from '../../run/follow/response.ts'

/** A response, and whether nothing of its body is still to be made. */
export interface SeenResponse<R> {
  readonly response: R
  readonly isWhole: boolean
}

/** How many turns of the microtask queue a body may take that is there as a whole. Node's takes five. */
const mostTurns = 16

/**
 * Finds out whether the body of a fetch response is there as a whole, as that of `Response.json(…)` and of a response
 * made from text or bytes is: one chunk with the end behind it, and no event of the runtime waited for. The body is
 * read for that, so the response is built anew around it; whatever has been read of any other body stands in front of
 * its rest.
 *
 * Only byte streams are looked into, which such bodies are: a stream that the application made is pulled by whoever
 * reads it.
 *
 * @param inside in which context the body's producer runs
 */
export async function seeWhole<R>(response: R, inside: Context): Promise<SeenResponse<R>> {
  const candidate = response as Response
  if (typeof response !== 'object' || response === null) return { response, isWhole: false }
  // In this order: the responses of @hono/node-server have other headers once somebody has looked at their body.
  if (candidate.body === null) return { response, isWhole: true }
  if (!isStreamingResponse(candidate) || !canBeRebuilt(candidate)) return { response, isWhole: false }
  const reader = candidate.body.getReader()
  const first = context.with(inside, () => reader.read())
  const begin = await soon(first)
  const second = begin?.done === false ? context.with(inside, () => reader.read()) : undefined
  const end = second === undefined ? undefined : await soon(second)
  const isWhole = begin?.done === true || end?.done === true
  const { status, statusText, headers } = candidate
  const body = isWhole ? (begin?.value ?? new Uint8Array()) : putBack(reader, inside, [first, second])
  return { response: new Response(body, { status, statusText, headers: new Headers(headers) }) as R, isWhole }
}

function canBeRebuilt({ status, body }: Response): boolean {
  return status >= 200 && status <= 599 && body !== null && !body.locked && isByteStream(body)
}

/** What a promise resolves to, where that takes microtasks alone. */
function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  // That it failed, whoever reads on is told.
  const quiet = promise.catch(() => undefined)
  return Promise.race([quiet, turnsOver()])
}

async function turnsOver(): Promise<undefined> {
  for (let turn = 0; turn < mostTurns; turn++) await Promise.resolve()
}

type Bytes = Uint8Array<ArrayBuffer>
type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Bytes>['read']>>

/** A byte stream that begins with reads that were begun, whether they have come to something yet or not. */
function putBack(
  reader: ReadableStreamDefaultReader<Bytes>,
  inside: Context,
  begun: readonly (Promise<Chunk> | undefined)[],
): ReadableStream<Bytes> {
  const waiting = begun.filter((read) => read !== undefined)
  return new ReadableStream({
    type: 'bytes',
    async pull(controller: ReadableByteStreamController) {
      const { done, value } = await (waiting.shift() ?? context.with(inside, () => reader.read()))
      if (!done) return controller.enqueue(value)
      controller.close()
      // A reader that waits with a buffer of its own is answered too.
      controller.byobRequest?.respond(0)
    },
    cancel: (reason) => context.with(inside, () => reader.cancel(reason)),
  }) as ReadableStream<Bytes>
}
