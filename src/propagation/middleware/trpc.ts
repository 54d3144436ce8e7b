import { SpanKind, context, type Context } from '@opentelemetry/api'

import { follow } from '../../run/follow/follow.ts'
import { openSegment } from '../../run/join-run.ts'
import type { Segment } from '../../run/segment.ts'
import { guarded } from '../../run/stats.ts'
import type { RunRef } from '../../run/types.ts'
import { checkedTrust, type Trust, type TrustedRequest } from '../trust.ts'
import { arrive } from './arrive.ts'
import { hasServerSpan, remoteParent } from './http-segment.ts'

/** What the middleware reads of a call of a procedure. */
export interface TrpcCall<C> {
  readonly ctx: C
  readonly path: string
  readonly type: string
  /** Aborted when the client goes away. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link trpcMiddleware}. */
export interface TrpcOptions<C> {
  readonly trust: Trust
  /** Where the context keeps the headers of the request: `({ req }) => req.headers`. */
  readonly headers: (ctx: C) => Headers | TrustedRequest['headers'] | undefined
}

/** What `next` resolves to. */
type TrpcResult = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: unknown }

/**
 * Makes every procedure that a trusted caller with a run calls a segment of that run, `query find.cats`. In a batch
 * each procedure is one. Behind a middleware of the HTTP server that has joined the request, it changes nothing.
 *
 * @throws {@link RunspanError} `bad_configuration` where `trust` or `headers` is missing, or there is no such option
 *
 * @example
 * ```ts
 * import { initTRPC } from '@trpc/server'
 * import { trpcMiddleware } from 'runspan/middleware'
 *
 * const t = initTRPC.context<{ req: Request }>().create()
 * const joined = t.middleware(trpcMiddleware({ trust: true, headers: ({ req }: { req: Request }) => req.headers }))
 * export const procedure = t.procedure.use(joined)
 * ```
 */
export function trpcMiddleware<C>(
  options: TrpcOptions<C>,
): <R>(call: TrpcCall<C> & { readonly next: () => Promise<R> }) => Promise<R> {
  const trust = checkedTrust(options, 'trpcMiddleware', { trust: true, headers: true })
  return async function runspanMiddleware({ ctx, path, type, signal, next }) {
    const headers = guarded('headers', () => options.headers(ctx)) ?? {}
    let segment: Segment | undefined
    const inside = arrive(
      headers,
      trust,
      () => ({ headers: headers instanceof Headers ? Object.fromEntries(headers) : headers }),
      (ref, active) => (segment = openProcedure(ref, active, `${type} ${path}`, signal)),
    )
    // A call that throws here, and not into its result, is a failure of the server's own.
    try {
      const result = await context.with(inside, next)
      return segment === undefined ? result : followResult(result, segment)
    } catch (error) {
      segment?.failed(error)
      throw error
    }
  }
}

function openProcedure(ref: RunRef, active: Context, name: string, signal: AbortSignal | undefined): Segment {
  let isOver = false
  const onWrite = (): void => void (isOver = true)
  const segment = hasServerSpan(active, ref)
    ? openSegment(ref, active, { name: `join ${name}` }, { onWrite })
    : openSegment(ref, remoteParent(active, ref), { name }, { kind: SpanKind.SERVER, onWrite })
  // A request is closed after its answer too.
  signal?.addEventListener('abort', () => {
    if (!isOver) segment.callerGone()
  })
  return segment
}

/** A subscription goes on after its procedure has returned. */
function followResult<R>(result: R, segment: Segment): R {
  const { ok, data, error } = result as TrpcResult & { data?: unknown; error?: unknown }
  if (ok) {
    const followed = follow(data, segment)
    return followed === data ? result : { ...result, data: followed }
  }
  // What the client did wrong is no failure of the server's, as with 4xx.
  if (isServerFailure(error)) segment.failed(error)
  else segment.completed()
  return result
}

/** Codes that tRPC answers with 5xx. */
const serverCodes = new Set([
  'INTERNAL_SERVER_ERROR',
  'NOT_IMPLEMENTED',
  'BAD_GATEWAY',
  'SERVICE_UNAVAILABLE',
  'GATEWAY_TIMEOUT',
])

function isServerFailure(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code !== 'string' || serverCodes.has(code)
}
