import { count } from '../run/stats.ts'
import { currentPart } from '../run/run-context.ts'
import { isIterable, isNamed, readField } from './carrier.ts'
import { headersOf, propagationHeaders, type PropagationOptions } from './propagation-headers.ts'
import { traceStateKey } from './run-trace-state.ts'
import { isCovered } from './covered-requests.ts'
import { addedBaggage } from './run-baggage.ts'
import { formatTraceState, parseTraceState } from './trace-state-members.ts'
import { parseTraceparent } from './traceparent.ts'
import { trustHeader } from './trust-key.ts'

/**
 * Writes the current run onto whatever takes it to another process: `traceparent`, and `tracestate` with the `runspan`
 * member that marks it as a run. Everything else on the carrier stays as it is.
 *
 * What a forwarded message still says of another trace is replaced. Members of `tracestate` that others wrote for this
 * same trace stay. Outside a run a stale `runspan` member is taken off, and the rest stays, so that a message that is
 * passed on does not pass on a run it is no part of.
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
export function injectRun<C extends object>(carrier: C, options?: PropagationOptions): C {
  try {
    inject(carrier, headersFor(carrier, options))
  } catch (error) {
    count('carriersNotWritten', 'a run could not be written onto a carrier; it goes out as it was', error)
  }
  return carrier
}

/** A request whose answer is looked at says itself what came of it. */
function headersFor(carrier: object, options: PropagationOptions | undefined): Readonly<Record<string, string>> {
  const part = 'setHeader' in carrier && isCovered(carrier) ? currentPart() : undefined
  return part === undefined ? propagationHeaders(options) : headersOf(part, options)
}

function inject(carrier: object, headers: Readonly<Record<string, string>>): void {
  const { traceparent, tracestate, baggage, [trustHeader]: signature } = headers
  if (baggage !== undefined) replace(carrier, 'baggage', addedBaggage(readField(carrier, 'baggage'), baggage))
  replace(carrier, trustHeader, signature)
  const state = readField(carrier, 'tracestate')
  if (traceparent === undefined || tracestate === undefined) {
    if (state?.includes(`${traceStateKey}=`)) replace(carrier, 'tracestate', withoutRun(state))
    return
  }
  const others = isSameTrace(readField(carrier, 'traceparent'), traceparent) ? state : undefined
  replace(carrier, 'traceparent', traceparent)
  replace(carrier, 'tracestate', others === undefined ? tracestate : merged(tracestate, others))
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

interface HeaderMethods {
  readonly setHeader?: (name: string, value: string) => unknown
  readonly removeHeader?: (name: string) => unknown
  readonly set?: (name: string, value: string) => unknown
  readonly delete?: (name: unknown) => unknown
}

/** Sets one field, whatever the case in which it was there, or takes it off. */
function replace(carrier: object, name: string, value: string | undefined): void {
  const methods = carrier as HeaderMethods
  if (typeof methods.setHeader === 'function') {
    if (value === undefined) methods.removeHeader?.(name)
    else methods.setHeader(name, value)
  } else if (Array.isArray(carrier)) replaceTuple(carrier, name, value)
  else if (typeof methods.set === 'function') replaceEntry(carrier, methods, name, value)
  else replaceKey(carrier as Record<string, unknown>, name, value)
}

function replaceTuple(tuples: unknown[], name: string, value: string | undefined): void {
  for (let at = tuples.length - 1; at >= 0; at--) {
    const tuple = tuples[at]
    if (Array.isArray(tuple) && isNamed(tuple[0], name)) tuples.splice(at, 1)
  }
  if (value !== undefined) tuples.push([name, value])
}

function replaceEntry(carrier: object, methods: HeaderMethods, name: string, value: string | undefined): void {
  const names = isIterable(carrier) ? Array.from(carrier, (entry) => (Array.isArray(entry) ? entry[0] : undefined)) : []
  for (const key of names) if (isNamed(key, name)) methods.delete?.(key)
  if (value !== undefined) methods.set?.(name, value)
}

function replaceKey(record: Record<string, unknown>, name: string, value: string | undefined): void {
  for (const key of Object.keys(record))
    if (isNamed(key, name) && (key !== name || value === undefined)) delete record[key]
  if (value !== undefined) record[name] = value
}
