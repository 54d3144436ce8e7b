import type { RunRef } from '../run/types.ts'
import { count } from '../run/stats.ts'
import { readField, type Carrier } from './carrier.ts'
import { traceStateKey, traceStateValueOf } from './run-trace-state.ts'
import { parseBaggage } from './run-baggage.ts'
import { parseTraceState } from './trace-state-members.ts'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

/**
 * The run that a request, message or job carries, or `undefined` where it carries none: a `traceparent` alone is what
 * every browser and gateway sends, so only the `runspan` member of `tracestate` marks a run. It says nothing about
 * trust: whoever joins the ref states that the caller may write into this run.
 *
 * Both headers are read as W3C Trace Context asks. One that is malformed carries no run; that is counted.
 *
 * @param carrier what came in: see {@link Carrier}. Nothing is fine too: a message may come without headers
 */
export function extractRun(carrier: Carrier | null | undefined): RunRef | undefined {
  if (typeof carrier !== 'object' || carrier === null) return undefined
  try {
    const header = readField(carrier, 'tracestate')
    if (header === undefined || !header.includes(`${traceStateKey}=`)) return undefined
    const traceparent = readField(carrier, 'traceparent')
    const parsed = traceparent === undefined ? undefined : parseTraceparent(traceparent)
    const member = memberOf(header, parsed?.traceId)
    if (parsed === undefined || member === undefined) {
      count(
        'carriersMalformed',
        'a carrier with a runspan member in tracestate could not be read; it was taken as carrying no run',
      )
      return undefined
    }
    if (member !== memberTextOf(parsed.traceId)) {
      count(
        'carriersMalformed',
        'the runspan member of tracestate belongs to another trace than traceparent; it was taken as carrying no run',
      )
      return undefined
    }
    const ref = { runId: parsed.traceId, traceparent: formatTraceparent(parsed), tracestate: header.trim() }
    const ids = parseBaggage(readField(carrier, 'baggage'))
    return ids.conversationId === undefined && ids.userId === undefined ? ref : { ...ref, ...ids }
  } catch (error) {
    count('carriersMalformed', 'a carrier threw when it was read; it was taken as carrying no run', error)
    return undefined
  }
}

/** The run's member of a `tracestate`, as it stands there; `undefined` where the list is malformed. */
function memberOf(header: string, traceId: string | undefined): string | undefined {
  // Most lists are this one member.
  if (traceId !== undefined && header === memberTextOf(traceId)) return header
  return parseTraceState(header)?.find(({ key }) => key === traceStateKey)?.text
}

function memberTextOf(traceId: string): string {
  return `${traceStateKey}=${traceStateValueOf(traceId)}`
}

/** The caller of a request, run or not, for a link that claims nothing. */
export function extractCaller(carrier: Carrier): ReturnType<typeof parseTraceparent> {
  const header = readField(carrier, 'traceparent')
  return header === undefined ? undefined : parseTraceparent(header)
}
