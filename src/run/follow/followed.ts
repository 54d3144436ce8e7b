import type { Context } from '@opentelemetry/api'

/**
 * Why work ended before it was done.
 *
 * - `consumer_stopped`: the reader of a generator or iterator broke off.
 * - `cancelled`: a stream was cancelled or destroyed.
 * - `stream_idle`: nobody read a stream, or waited for a lazy thenable, for `streamIdleMillis`.
 */
export type StopReason = 'consumer_stopped' | 'cancelled' | 'stream_idle'

/** Work whose end is still to come: a span or a run that waits for what its function returned. */
export interface Followed {
  /** In which every further step of the work runs. */
  readonly context: Context
  /** How long a stream may lie unread, in milliseconds. */
  readonly idleMillis: number
  /** What its caller cancels it with. */
  readonly callerSignal?: AbortSignal | undefined
  completed(value?: unknown): void
  failed(error: unknown): void
  stopped(reason: StopReason): void
  /** Sees every chunk of a stream that passes, where the work wants to: usage, output. */
  chunk?(chunk: unknown): void
}
