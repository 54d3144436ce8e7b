import type { Carrier, RunRef } from '../run/types.ts'
import { count } from '../run/stats.ts'
import { marksRun, traceStateFrom, traceStateKey } from './run-trace-state.ts'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

/**
 * The run that a request, message or job carries, or `undefined` where it carries none: a `traceparent` alone is what
 * every browser and gateway sends, so only the `runspan` member of `tracestate` marks a run. It says nothing about
 * trust: whoever joins the ref states that the caller may write into this run.
 *
 * @param carrier fetch `Headers`, Node's `req.headers`, or any record of strings; names in any case
 */
export function extractRun(carrier: Carrier): RunRef | undefined {
  try {
    const header = read(carrier, 'tracestate')
    if (header === undefined || !header.includes(traceStateKey)) return undefined
    const traceparent = read(carrier, 'traceparent')
    const parsed = traceparent === undefined ? undefined : parseTraceparent(traceparent)
    const traceState = traceStateFrom(header)
    if (parsed === undefined || traceState?.get(traceStateKey) === undefined) {
      count(
        'carriersMalformed',
        'a carrier with a runspan member in tracestate could not be read; it was taken as carrying no run',
      )
      return undefined
    }
    if (!marksRun(traceState, parsed.traceId)) {
      count(
        'carriersMalformed',
        'the runspan member of tracestate belongs to another trace than traceparent; it was taken as carrying no run',
      )
      return undefined
    }
    return { runId: parsed.traceId, traceparent: formatTraceparent(parsed), tracestate: traceState.serialize() }
  } catch (error) {
    count('internalErrors', 'failed to read a carrier; it was taken as carrying no run', error)
    return undefined
  }
}

/** The caller of a request, run or not, for a link that claims nothing. */
export function extractCaller(carrier: Carrier): ReturnType<typeof parseTraceparent> {
  const header = read(carrier, 'traceparent')
  return header === undefined ? undefined : parseTraceparent(header)
}

/** One header. `traceparent` must not come twice; several `tracestate` headers are one list (W3C Trace Context §3.3). */
function read(carrier: Carrier, name: 'traceparent' | 'tracestate'): string | undefined {
  const value =
    typeof (carrier as Headers).get === 'function'
      ? ((carrier as Headers).get(name) ?? undefined)
      : readRecord(carrier as Record<string, string>, name)
  if (value === undefined || typeof value === 'string') return value
  const list = value
  return name === 'tracestate' ? list.join(',') : list.length === 1 ? list[0] : undefined
}

function readRecord(
  record: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): string | readonly string[] | undefined {
  const exact = record[name]
  if (exact !== undefined) return exact
  for (const key of Object.keys(record)) if (key.toLowerCase() === name) return record[key]
  return undefined
}
