import { context } from '@opentelemetry/api'

import type { Followed } from './followed.ts'
import { IdleWatch } from './idle-watch.ts'

interface NodeReadable {
  on(event: string, listener: (...args: unknown[]) => void): unknown
  pipe: unknown
  read: unknown
  _read?: (size: number) => void
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

/**
 * Follows a Node stream, which stays the same object. Its own `errored` is read at `close`: a listener of ours for
 * `error` would silence the crash that an unhandled stream error is to cause.
 */
export function followNodeStream(stream: NodeReadable, work: Followed): unknown {
  if (stream.readableEnded === true || stream.destroyed === true) {
    settle(stream, work)
    return stream
  }
  const idle = new IdleWatch(work)
  const read = stream._read
  if (typeof read === 'function') {
    stream._read = function boundRead(size: number): void {
      idle.step()
      context.with(work.context, () => Reflect.apply(read, this, [size]))
    }
  }
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

function settle(stream: NodeReadable, work: Followed): void {
  if (stream.errored !== null && stream.errored !== undefined) work.failed(stream.errored)
  else if (stream.readableEnded === true) work.completed()
  else work.stopped('cancelled')
}
