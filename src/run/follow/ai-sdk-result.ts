import type { Followed } from './followed.ts'
import { followReadableStream, isReadableStream } from './readable-stream.ts'

interface AiSdkStreamResult {
  baseStream: ReadableStream<unknown>
}

/**
 * Results of the AI SDK's `streamText` and `streamObject` (ai 5 to 7): an object that hands out many views of one
 * stream, all of them branches of its `baseStream`.
 */
export function isAiSdkStreamResult(value: object): value is AiSdkStreamResult {
  const candidate = value as Partial<AiSdkStreamResult> & { toTextStreamResponse?: unknown }
  return (
    typeof candidate.toTextStreamResponse === 'function' &&
    typeof candidate.baseStream === 'object' &&
    candidate.baseStream !== null &&
    isReadableStream(candidate.baseStream)
  )
}

/**
 * Follows the one stream behind every view: whichever way the result is read, to its end, by its promises or piped
 * into a response, the work ends when that stream does. The result stays the same object.
 *
 * The AI SDK reports a failed or aborted call as a part of the stream, which then ends as if nothing had happened.
 */
export function followAiSdkResult(result: AiSdkStreamResult, work: Followed): unknown {
  let failure: { readonly error: unknown } | undefined
  const watching: Followed = {
    context: work.context,
    idleMillis: work.idleMillis,
    callerSignal: work.callerSignal,
    completed() {
      if (failure === undefined) work.completed()
      else work.failed(failure.error)
    },
    failed: (error) => work.failed(error),
    stopped: (reason) => work.stopped(reason),
    chunk(chunk) {
      const part = partOf(chunk)
      if (part?.type === 'error') failure = { error: part.error }
      else if (part?.type === 'abort') failure = { error: abortErrorOf(part.reason) }
      work.chunk?.(part)
    },
  }
  const followed = followReadableStream(result.baseStream, watching)
  if (followed === undefined) return undefined
  result.baseStream = followed
  return result
}

/** Whether that was a cancellation or a passed deadline, the run's own signal tells. */
function abortErrorOf(reason: unknown): DOMException {
  return new DOMException(typeof reason === 'string' ? reason : 'The stream was aborted.', 'AbortError')
}

interface StreamPart {
  readonly type?: unknown
  readonly error?: unknown
  readonly reason?: unknown
}

/** A part, bare or together with the output parsed so far. */
function partOf(chunk: unknown): StreamPart | undefined {
  if (typeof chunk !== 'object' || chunk === null) return undefined
  const inner = (chunk as { part?: unknown }).part
  return typeof inner === 'object' && inner !== null ? inner : chunk
}
