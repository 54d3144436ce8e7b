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
  const underlying = new FollowedSource(source.getReader(), work)
  if (isBytes) return new ReadableStream({ type: 'bytes', ...underlying.methods() } as never) as ReadableStream<never>
  // No chunk is pulled before somebody asks for one: buffering is the source's business.
  return new ReadableStream<T>(underlying.methods(), { highWaterMark: 0 })
}

interface UnderlyingMethods<T> {
  start(controller: Controller<T>): void
  pull(controller: Controller<T>): Promise<void>
  cancel(reason: unknown): Promise<void>
}

interface Controller<T> {
  readonly byobRequest?: { respond(bytes: number): void } | null
  close(): void
  enqueue(chunk: T): void
  error(error: unknown): void
}

/**
 * What stands between a stream and its reader.
 *
 * - open: each pull reads one chunk.
 * - over: entered once: by the last chunk, which may end the source before anybody asks for more; by an error, also
 *   between two pulls; or by the reader's cancel, when the source has taken note of that.
 */
class FollowedSource<T> {
  readonly #reader: ReadableStreamDefaultReader<T>
  readonly #work: Followed
  readonly #idle: IdleWatch
  #isPulling = false
  #isClosed = false
  #isOver = false

  constructor(reader: ReadableStreamDefaultReader<T>, work: Followed) {
    this.#reader = reader
    this.#work = work
    this.#idle = new IdleWatch(work)
  }

  methods(): UnderlyingMethods<T> {
    return {
      start: (controller) => void this.#watchEnd(controller),
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => this.#cancel(reason),
    }
  }

  /** The end of the source, also where nobody asks for one chunk more. */
  async #watchEnd(controller: Controller<T>): Promise<void> {
    try {
      await this.#reader.closed
      this.#isClosed = true
      // A chunk that is on its way comes first.
      if (!this.#isPulling) this.#finish(controller)
    } catch (error) {
      if (this.#fail(error)) controller.error(error)
    }
  }

  async #pull(controller: Controller<T>): Promise<void> {
    this.#isPulling = true
    this.#idle.wait()
    try {
      const { done, value } = await context.with(this.#work.context, () => this.#reader.read())
      this.#isPulling = false
      if (done) {
        this.#finish(controller)
        return
      }
      this.#idle.rest()
      this.#work.chunk?.(value)
      controller.enqueue(value)
      if (this.#isClosed) this.#finish(controller)
    } catch (error) {
      this.#isPulling = false
      this.#fail(error)
      throw error
    }
  }

  async #cancel(reason: unknown): Promise<void> {
    const wasOver = this.#isOver
    this.#isOver = true
    try {
      await context.with(this.#work.context, () => this.#reader.cancel(reason))
    } finally {
      this.#idle.stop()
      if (!wasOver) this.#work.stopped('cancelled')
    }
  }

  #finish(controller: Controller<T>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#idle.stop()
    this.#work.completed()
    controller.close()
    // A byte stream whose reader waits with a buffer of its own closes only once that request is answered.
    controller.byobRequest?.respond(0)
  }

  #fail(error: unknown): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#idle.stop()
    this.#work.failed(error)
    return true
  }
}

/** Whether a stream is one of bytes, as bodies that are made from text or bytes are. It has to be unlocked. */
export function isByteStream(stream: ReadableStream<unknown>): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
