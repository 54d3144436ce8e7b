import { count } from '../run/stats.ts'
import { currentPart } from '../run/run-context.ts'
import { readField } from './carrier.ts'
import { headersOf, propagationHeaders, type InjectOptions } from './propagation-headers.ts'
import { traceStateKey } from './run-trace-state.ts'
import { isCovered } from './covered-requests.ts'
import { addedBaggage } from './run-baggage.ts'
import { formatTraceState, parseTraceState } from './trace-state-members.ts'
import { parseTraceparent } from './traceparent.ts'
import { trustHeader } from './trust-key.ts'
import { writeField } from './write-field.ts'

/**
 * Writes the current run onto whatever takes it to another process: `traceparent`, and `tracestate` with the `runspan`
 * member that marks it as a run. Everything else on the carrier stays as it is.
 *
 * What a forwarded message still says of another trace is replaced. Members of `tracestate` that others wrote for this
 * same trace stay. Outside a run a stale `runspan` member is taken off, and the rest stays, so that a message that is
 * passed on does not pass on a run it is no part of.
 *
 * A request of `node:http` that the HTTP instrumentation has written its client span onto keeps that.
 *
 * It never throws: a carrier that cannot be written goes out as it was, and is counted.
 *
 * @param carrier a record, fetch `Headers`, a request or response of `node:http`, a `Map`, NATS headers, or an array of
 *   tuples
 * @param options as those of `propagationHeaders`
 * @returns the carrier itself
 *
 * @example
 * ```ts
 * import { injectRun } from 'runspan'
 *
 * const message = { headers: injectRun({ 'x-tenant': 'acme' }), value: 'rows' }
 * const call = { name: 'search', arguments: { q: 'tides' }, _meta: injectRun({}) }
 * console.log(message, call)
 * ```
 */
export function injectRun<C extends object>(carrier: C, options?: InjectOptions): C {
  try {
    inject(carrier, headersFor(carrier, options))
  } catch (error) {
    count('carriersNotWritten', 'a run could not be written onto a carrier; it goes out as it was', error)
  }
  return carrier
}

/** A request whose answer is looked at says itself what came of it. */
function headersFor(carrier: object, options: InjectOptions | undefined): Readonly<Record<string, string>> {
  const part = 'setHeader' in carrier && isCovered(carrier) ? currentPart() : undefined
  return part === undefined ? propagationHeaders(options) : headersOf(part, options)
}

/**
 * A request to send that has a context of this trace already: an HTTP instrumentation's, whose client span is nearer
 * than what is active outside of it. What a proxy has copied from the request that came in is no such thing.
 */
function hasClientSpan(carrier: object, before: string | undefined, now: string): boolean {
  if (!('setHeader' in carrier) || before === undefined || !isSameTrace(before, now)) return false
  const cameWith = currentPart()?.makeRef().traceparent
  return cameWith === undefined || parseTraceparent(before)?.spanId !== parseTraceparent(cameWith)?.spanId
}

function inject(carrier: object, headers: Readonly<Record<string, string>>): void {
  const { traceparent, tracestate, baggage, [trustHeader]: signature } = headers
  if (baggage !== undefined) writeField(carrier, 'baggage', addedBaggage(readField(carrier, 'baggage'), baggage))
  writeField(carrier, trustHeader, signature)
  const state = readField(carrier, 'tracestate')
  if (traceparent === undefined || tracestate === undefined) {
    if (state?.includes(`${traceStateKey}=`)) writeField(carrier, 'tracestate', withoutRun(state))
    return
  }
  const before = readField(carrier, 'traceparent')
  const others = isSameTrace(before, traceparent) ? state : undefined
  if (!hasClientSpan(carrier, before, traceparent)) writeField(carrier, 'traceparent', traceparent)
  writeField(carrier, 'tracestate', others === undefined ? tracestate : merged(tracestate, others))
}

/** The rest of the list as it was written. */
function withoutRun(state: string): string | undefined {
  const rest = state.split(',').filter((member) => !member.trimStart().startsWith(`${traceStateKey}=`))
  return rest.every((member) => member.trim() === '') ? undefined : rest.join(',')
}

function isSameTrace(before: string | undefined, now: string): boolean {
  return before !== undefined && parseTraceparent(before)?.traceId === parseTraceparent(now)?.traceId
}

/** Ours first, as whoever has changed a list comes first in it; then what is only on the carrier. */
function merged(ours: string, others: string): string {
  const own = parseTraceState(ours) ?? []
  const keys = new Set(own.map(({ key }) => key))
  return formatTraceState([...own, ...(parseTraceState(others) ?? []).filter(({ key }) => !keys.has(key))])
}
