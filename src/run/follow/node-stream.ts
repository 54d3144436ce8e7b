import { context, createContextKey, type Context } from '@opentelemetry/api'

import type { Followed } from './followed.ts'
import { IdleWatch } from './idle-watch.ts'

type Method = (...args: unknown[]) => unknown
interface NodeReadable {
  on: Method
  emit: Method
  pipe: unknown
  read: unknown
  _read?: Method
  _destroy?: Method
  readonly readableLength?: number
  readonly readableEnded?: boolean
  readonly destroyed?: boolean
  readonly errored?: unknown
}

/** Node's readable streams, structurally: other libraries bring their own copies. */
export function isNodeReadable(value: object): value is NodeReadable {
  const candidate = value as Partial<NodeReadable>
  return (
    typeof candidate.pipe === 'function' && typeof candidate.on === 'function' && typeof candidate.read === 'function'
  )
}

/** Marks the contexts in which a stream's own code runs, and everything that is derived from them, by the stream. */
const producerKey = createContextKey('runspan.producer')

/** What is known of whoever reads a stream. Several works may follow the same one: a tool's, and its run's. */
interface Reader {
  /** Unknown before somebody has asked for something. */
  context: Context | undefined
  readonly idles: IdleWatch[]
}
const readers = new WeakMap<NodeReadable, Reader>()

/**
 * Follows a Node stream, which stays the same object. Its own `errored` is read at `close`: a listener of ours for
 * `error` would silence the crash that an unhandled stream error is to cause.
 *
 * Reading and destroying run in the context of the work. Events are emitted from inside those, so they are taken back
 * into the context of whoever reads: a listener is the reader's code.
 */
export function followNodeStream(stream: NodeReadable, work: Followed): unknown {
  if (stream.readableEnded === true || stream.destroyed === true) {
    settle(stream, work)
    return stream
  }
  let isAsked = false
  const idle = new IdleWatch(work, () => isAsked && stream.readableLength === 0)
  const reader = readerOf(stream)
  reader.idles.push(idle)
  const producer = work.context.setValue(producerKey, stream)
  const observe = (name: '_read' | '_destroy'): void => {
    const method = stream[name]
    if (typeof method !== 'function') return
    replace(stream, name, function boundMethod(this: unknown, ...args: unknown[]): unknown {
      isAsked ||= name === '_read'
      const active = context.active()
      if (active.getValue(producerKey) !== stream) reader.context = active
      return context.with(producer, () => Reflect.apply(method, this, args))
    })
  }
  observe('_read')
  observe('_destroy')
  stream.on('end', () => {
    idle.stop()
    work.completed()
  })
  stream.on('close', () => {
    idle.stop()
    settle(stream, work)
  })
  return stream
}

/** What is known of a stream's reader; from now on the stream's events are emitted in that one's context. */
function readerOf(stream: NodeReadable): Reader {
  const known = readers.get(stream)
  if (known !== undefined) return known
  const reader: Reader = { context: undefined, idles: [] }
  readers.set(stream, reader)
  const { emit } = stream
  replace(stream, 'emit', function emitToReader(this: unknown, ...args: unknown[]): unknown {
    for (const idle of reader.idles) idle.seen()
    if (reader.context === undefined) return Reflect.apply(emit, this, args)
    return context.with(reader.context, () => Reflect.apply(emit, this, args))
  })
  return reader
}

function replace(stream: NodeReadable, name: 'emit' | '_read' | '_destroy', method: Method): void {
  Object.defineProperty(stream, name, { value: method, configurable: true, writable: true, enumerable: false })
}

function settle(stream: NodeReadable, work: Followed): void {
  if (stream.errored !== null && stream.errored !== undefined) work.failed(stream.errored)
  else if (stream.readableEnded === true) work.completed()
  else work.stopped('cancelled')
}
