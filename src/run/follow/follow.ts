import type { Followed } from './followed.ts'
import { followAiSdkResult, isAiSdkStreamResult } from './ai-sdk-result.ts'
import { followAsyncIterable, followIterator, isAsyncIterable, isIterator } from './iterator.ts'
import { followNodeStream, isNodeReadable } from './node-stream.ts'
import { followReadableStream, isReadableStream } from './readable-stream.ts'
import { followResponse, isStreamingResponse } from './response.ts'
import { followThenable, isThenable } from './thenable.ts'

/**
 * Follows what a function returned to its true end: the work completes when the value is there, the promise has
 * settled, or the stream has been read, failed or given up.
 *
 * @returns what to hand to the caller: the same kind of thing, and the same object wherever that can be
 */
export function follow<R>(value: R, work: Followed): R {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    work.completed(value)
    return value
  }
  if (isThenable(value)) return followThenable(value, work, followSettled) as R
  return followSettled(value, work)
}

/** {@link follow} for what a promise resolved to, which is no promise any more. */
export function followSettled<R>(value: R, work: Followed): R {
  if (typeof value !== 'object' || value === null) {
    work.completed(value)
    return value
  }
  let followed: unknown
  try {
    followed = followStream(value, work)
  } catch {
    // A hostile object: whatever it is, it is not a stream that can be followed.
    followed = undefined
  }
  if (followed !== undefined) return followed as R
  work.completed(value)
  return value
}

function followStream(value: object, work: Followed): unknown {
  if (isReadableStream(value)) return followReadableStream(value, work)
  if (isIterator(value)) return followIterator(value, work)
  if (isStreamingResponse(value)) return followResponse(value, work)
  if (isNodeReadable(value)) return followNodeStream(value, work)
  if (isAiSdkStreamResult(value)) return followAiSdkResult(value, work)
  if (isAsyncIterable(value)) return followAsyncIterable(value, work)
  return undefined
}
