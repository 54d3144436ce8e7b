import { context, isSpanContextValid, trace } from '@opentelemetry/api'

import { currentPart } from '../run/run-context.ts'
import type { RunPart } from '../run/run-part.ts'
import { count } from '../run/stats.ts'
import { repliesOf } from './expected-replies.ts'
import { formatBaggage, type BaggageKey } from './run-baggage.ts'
import { formatTraceparent } from './traceparent.ts'
import { traceStateHeader } from './run-trace-state.ts'
import { checkedTrustKey, signRun, trustHeader, type TrustKey } from './trust-key.ts'

/** Options of {@link propagationHeaders}. */
export interface PropagationOptions {
  /** Signs the run for a service that trusts `{ keys }`, in a header of its own. Send it to no other. @defaultValue none */
  readonly trustKey?: TrustKey | undefined
  /**
   * Which ids of the application go along, in a `baggage` header: they are then on every span of the other service's
   * part too. Personal data does not belong in baggage, so that a `user.id` is a pseudonym or stays.
   *
   * @defaultValue none
   */
  readonly baggage?: readonly BaggageKey[] | undefined
}

/** Options of {@link propagationHeaders} and `injectRun`. */
export interface InjectOptions extends PropagationOptions {
  /**
   * Whether whoever joins will reply with what its part came to: `injectTotals` there, `takeTotals` here. The run's
   * totals are complete once every reply has come; without this they stay incomplete (`shared`).
   *
   * @defaultValue false
   */
  readonly expectReply?: boolean | undefined
}

/**
 * The headers that carry the current run to another service: `traceparent`, and `tracestate` with the `runspan` member
 * that marks it as a run. `{}` outside a run, and where nothing is recorded, so that spreading it is always safe.
 *
 * Beside the official HTTP instrumentations it is not needed: they send the same two headers.
 *
 * @param options a `trustKey` that cannot be used is counted, and the run goes out unsigned
 */
export function propagationHeaders(options?: InjectOptions): Record<string, string> {
  const part = currentPart()
  if (part === undefined) return {}
  // What the other service does is not in this process's sums.
  if (part.tally !== undefined) {
    if (options?.expectReply === true) repliesOf(part.tally).expect()
    else part.tally.markIncomplete('shared')
  }
  return headersOf(part, options)
}

/** The headers of a part, for a request whose answer is looked at. */
export function headersOf(part: RunPart, options?: PropagationOptions): Record<string, string> {
  const root = part.rootContext
  if (root === undefined) return {}
  const active = trace.getSpanContext(context.active())
  const from = active !== undefined && isSpanContextValid(active) && active.traceId === part.runId ? active : root
  const headers: Record<string, string> = {
    traceparent: formatTraceparent(from),
    tracestate: traceStateHeader(from.traceState, part.runId),
  }
  const baggage = options?.baggage === undefined ? undefined : formatBaggage(part, options.baggage)
  if (baggage !== undefined) headers['baggage'] = baggage
  if (options?.trustKey !== undefined) sign(headers, part.runId, options.trustKey)
  return headers
}

function sign(headers: Record<string, string>, runId: string, key: TrustKey): void {
  try {
    headers[trustHeader] = signRun(runId, checkedTrustKey(key, 'propagationHeaders'))
  } catch (error) {
    count('carriersNotWritten', 'a run could not be signed; it goes out unsigned', error)
  }
}
