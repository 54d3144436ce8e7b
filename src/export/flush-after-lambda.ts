import { isThenable } from '../run/follow/thenable.ts'
import { withDeadline } from './delivery/with-deadline.ts'
import { flushQuietly, type Flushable } from './flush-after.ts'

/** What is left of an invocation for its answer after the flush. */
const answerMillis = 100

type LambdaHandler = (...args: never[]) => unknown
type Callback = (error?: unknown, result?: unknown) => void

/**
 * Flushes after each invocation of an AWS Lambda function, before Lambda freezes the process: of handlers that return a
 * promise, of those that call back, and of streaming ones, which `awslambda.streamifyResponse` is given, or has been.
 * What the handler returns, calls back with or throws stays the same. The flush ends at its own deadline, and a tenth of
 * a second before the invocation would.
 *
 * @example
 * ```ts
 * import { flushAfterLambda, registerRunspan } from 'runspan/node'
 *
 * const telemetry = registerRunspan({ flushTimeoutMillis: 2000 })
 * export const handler = flushAfterLambda(async (event: { question: string }) => event.question.length, telemetry)
 * ```
 */
export function flushAfterLambda<H extends LambdaHandler>(handler: H, telemetry: Flushable): H {
  function flushingHandler(this: unknown, ...args: unknown[]): unknown {
    const flushed = (): Promise<unknown> => flushInTime(telemetry, args)
    const callback = args[2]
    if (handler.length >= 3 && typeof callback === 'function') {
      args[2] = callingBack(callback as Callback, flushed)
    }
    let returned: unknown
    try {
      returned = handler.apply(this, args as never[])
    } catch (error) {
      return flushed().then(() => {
        throw error
      })
    }
    // Nothing is what a handler returns that calls back. A promise in its place would end the invocation.
    if (!isThenable(returned)) return args[2] === callback ? flushed().then(() => returned) : returned
    return flushedAfter(returned, flushed)
  }
  // Streaming handlers are marked by a property; so are those of other wrappers.
  return Object.assign(flushingHandler, handler)
}

async function flushedAfter(returned: PromiseLike<unknown>, flushed: () => Promise<unknown>): Promise<unknown> {
  try {
    return await returned
  } finally {
    await flushed()
  }
}

function callingBack(callback: Callback, flushed: () => Promise<unknown>): Callback {
  return (...outcome) => {
    void (async () => {
      await flushed()
      callback(...outcome)
    })()
  }
}

async function flushInTime(telemetry: Flushable, args: readonly unknown[]): Promise<void> {
  const flush = flushQuietly(telemetry)
  const leftMillis = remainingMillis(args)
  await (leftMillis === undefined ? flush : withDeadline(flush, Math.max(0, leftMillis - answerMillis)))
}

/** What the context of an invocation says: the second argument, and the third of a streaming handler. */
function remainingMillis(args: readonly unknown[]): number | undefined {
  for (const arg of args) {
    const context = arg as { getRemainingTimeInMillis?: () => unknown } | null | undefined
    if (typeof context !== 'object' || typeof context?.getRemainingTimeInMillis !== 'function') continue
    const left = context.getRemainingTimeInMillis()
    if (typeof left === 'number' && Number.isFinite(left)) return left
  }
  return undefined
}
