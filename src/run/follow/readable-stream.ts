import { context } from '@opentelemetry/api'

import { count } from '../stats.ts'
import type { Followed } from './followed.ts'
import { IdleWatch } from './idle-watch.ts'

/** Web streams, from this realm or another. */
export function isReadableStream(value: object): value is ReadableStream<unknown> {
  const candidate = value as { getReader?: unknown; tee?: unknown; cancel?: unknown }
  return (
    typeof candidate.getReader === 'function' &&
    typeof candidate.tee === 'function' &&
    typeof candidate.cancel === 'function'
  )
}

/**
 * Follows a web stream by reading it on behalf of its reader: one chunk is pulled for each one asked for, cancelling
 * reaches the source, and a byte stream stays a byte stream.
 *
 * @returns a stream in its place, or `undefined` where somebody has locked it already
 */
export function followReadableStream<T>(source: ReadableStream<T>, work: Followed): ReadableStream<T> | undefined {
  if (source.locked) {
    count(
      'streamsNotFollowed',
      'a returned stream was locked already; its span ended when it was handed over. Return an unlocked stream.',
    )
    return undefined
  }
  const isBytes = isByteStream(source)
  const reader = source.getReader()
  const idle = new IdleWatch(work)
  const pull = async (controller: Pick<ReadableStreamDefaultController<T>, 'close' | 'enqueue'>): Promise<void> => {
    idle.step()
    try {
      const { done, value } = await context.with(work.context, () => reader.read())
      if (done) {
        idle.stop()
        work.completed()
        controller.close()
        // A byte stream whose reader waits with a buffer of its own closes only once that request is answered.
        ;(controller as { byobRequest?: { respond(bytes: number): void } | null }).byobRequest?.respond(0)
        return
      }
      work.chunk?.(value)
      controller.enqueue(value)
    } catch (error) {
      idle.stop()
      work.failed(error)
      throw error
    }
  }
  const cancel = (reason: unknown): Promise<void> => {
    idle.stop()
    work.stopped('cancelled')
    return context.with(work.context, () => reader.cancel(reason))
  }
  if (isBytes) return new ReadableStream({ type: 'bytes', pull: pull as never, cancel }) as never
  // No chunk is pulled before somebody asks for one: buffering is the source's business.
  return new ReadableStream<T>({ pull, cancel }, { highWaterMark: 0 })
}

function isByteStream(stream: ReadableStream<unknown>): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
