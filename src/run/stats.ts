import { diag } from '@opentelemetry/api'

import { shared } from './shared.ts'

/**
 * Everything Runspan counts instead of throwing, since the process started. Read them with {@link stats}; each counter
 * names the rule behind it.
 */
export interface RunspanStats {
  /** Runs opened here, recorded or not. */
  readonly runsStarted: number
  /** Runs ended here, abandoned ones included. */
  readonly runsEnded: number
  /** Runs that nobody ended in time, or whose stream nobody read. */
  readonly runsAbandoned: number
  /** Runs whose right to end was moved elsewhere with `handOff()`. */
  readonly runsHandedOff: number
  /** Segments: joined parts of runs that others own. */
  readonly segmentsStarted: number
  /** Chosen run ids that the registered provider could not keep: no `RunIdGenerator`. */
  readonly runIdsNotKept: number
  /** Runs opened under an id that this process had used before; each got an id of its own. */
  readonly runIdsRepeated: number
  /** `parentRunId`s and link targets that are no run id; kept as an attribute. */
  readonly invalidRunIds: number
  /** Joins of nothing: no target, a malformed one, or one that is not marked as a run. */
  readonly joinsOfNothing: number
  /** Second ends of a run, and ends of runs that this process does not own. */
  readonly endsIgnored: number
  /** Runs forgotten by the registry because too many were open; they go on, unwatched. */
  readonly openRunsEvicted: number
  /** Spans that ended after the root of their run. */
  readonly lateSpans: number
  /** Callbacks of the application that threw: `onEnd`, `onUsage`, `trust`, `extractUsage`, prices. */
  readonly callbackErrors: number
  /** Redactions that threw; the value was left out. */
  readonly redactionErrors: number
  /** Failures of our own that were caught. */
  readonly internalErrors: number
  /** Returned streams that could not be followed because something else had locked them. */
  readonly streamsNotFollowed: number
  /** Requests that carried a run and were not trusted. */
  readonly requestsUntrusted: number
  /** `runspan-trust` headers that were forged, expired, of another run or of an unknown key. */
  readonly trustHeadersRejected: number
  /** `runspan-totals` of a joined part that were malformed or about another run. */
  readonly totalsMalformed: number
  /** Carriers whose run context was malformed. */
  readonly carriersMalformed: number
  /** Carriers that a run could not be written onto; they went out as they were. */
  readonly carriersNotWritten: number
  /** Runs with a budget that no `RunRollupProcessor` watches. */
  readonly budgetsUnwatched: number
  /** Model calls without a known price. */
  readonly callsUnpriced: number
  /** Runs and segments of which a `RunSamplingProcessor` let no more than the root leave. */
  readonly runsSampledOut: number
  /** Spans that a `RunSamplingProcessor` dropped. */
  readonly spansSampledOut: number
  /** Open runs that a `RunSamplingProcessor` decided about early, because as much was held as may be. */
  readonly runsGivenUp: number
}

/** A copy of the counters, as they are now. */
export function stats(): RunspanStats {
  return { ...shared().counters }
}

const lastWarnings = new Map<keyof RunspanStats, number>()
const burstMillis = 60_000

/**
 * Counts one event, and says so through `diag` once per minute and counter.
 *
 * @param message what happened and what to do about it
 */
export function count(counter: keyof RunspanStats, message?: string, cause?: unknown): void {
  const state = shared()
  state.counters[counter]++
  if (message === undefined) return
  const now = state.clock.nowUnixMillis()
  const last = lastWarnings.get(counter)
  if (last !== undefined && now - last < burstMillis) return
  lastWarnings.set(counter, now)
  const total = state.counters[counter]
  if (cause === undefined) diag.warn(`runspan: ${message} (${counter}: ${total})`)
  else diag.warn(`runspan: ${message} (${counter}: ${total})`, cause)
}

/** Runs a callback of the application; what it throws, or rejects with, is counted and goes no further. */
export function guarded<R>(what: string, callback: () => R): R | undefined {
  const failed = (error: unknown): void =>
    count('callbackErrors', `${what} threw. The run is not affected; mend the callback.`, error)
  try {
    const result = callback()
    if (result instanceof Promise) result.catch(failed)
    return result
  } catch (error) {
    failed(error)
    return undefined
  }
}
