import { RunspanError } from '../errors.ts'
import { type Clock, systemClock } from '../internal/clock.ts'
import { RecentKeys } from '../internal/recent-keys.ts'
import { OpenParts } from './open-parts.ts'
import type { OpenRunWatcher } from './open-run-watcher.ts'
import type { RunEntry } from './run-entry.ts'
import { defaultSettings, type Settings } from './settings.ts'
import type { RunspanStats } from './stats.ts'

/** The ids that the next root span is to have. */
export interface ArmedIds {
  readonly traceId: string
  readonly spanId: string
}

/**
 * What every copy of Runspan in one process shares: the registry of runs, the ids armed for the generator, settings
 * and counters. It hangs on `globalThis` under `Symbol.for('runspan.v1')`, so its shape is an interface between
 * versions: fields may be added, never changed.
 */
export interface Shared {
  /** How many copies of Runspan this process has loaded. */
  copies: number
  /** Open runs and segments of this process. */
  readonly open: OpenParts
  /** Runs that have ended here, for a bounded time: their ids are not given out again. */
  closed: RecentKeys
  /** Which run a thrown object came out of. */
  readonly runIdsOfErrors: WeakMap<object, string>
  /** Set while one `startSpan` runs; see `RunIdGenerator`. */
  armed: ArmedIds | undefined
  /** The run or segment whose root span is being started right now. */
  starting: RunEntry | undefined
  /** True while a span of ours about a run is written, an amendment say, so that it is not counted itself. */
  amending: boolean
  /** Who keeps note of open runs outside of this process; nobody, unless there is a place for it. */
  openRunWatchers?: readonly OpenRunWatcher[] | undefined
  /** Whether any request has come whose run was not joined: until then no context needs to be asked for one. */
  hasCallers?: boolean
  /** How many open runs the registry watches at most. */
  maxOpenRuns: number
  settings: Settings
  clock: Clock
  readonly counters: { -readonly [Counter in keyof RunspanStats]: number }
}

/** Closed runs that are remembered where no processor says otherwise. */
export const defaultMaxClosedRuns = 10_000
/** Open runs that are watched where no processor says otherwise. */
export const defaultMaxOpenRuns = 10_000

const key = Symbol.for('runspan.v1')
type Host = { [key]?: Shared }

/** The state of this process, made on first use. */
export function shared(): Shared {
  return state
}

const state: Shared = ((globalThis as Host)[key] ??= {
  copies: 0,
  open: new OpenParts(),
  closed: new RecentKeys(defaultMaxClosedRuns),
  runIdsOfErrors: new WeakMap(),
  armed: undefined,
  starting: undefined,
  amending: false,
  hasCallers: false,
  openRunWatchers: undefined,
  maxOpenRuns: defaultMaxOpenRuns,
  settings: defaultSettings(),
  clock: systemClock,
  counters: {
    runsStarted: 0,
    runsEnded: 0,
    runsAbandoned: 0,
    runsHandedOff: 0,
    segmentsStarted: 0,
    runIdsNotKept: 0,
    runIdsRepeated: 0,
    invalidRunIds: 0,
    joinsOfNothing: 0,
    endsIgnored: 0,
    openRunsEvicted: 0,
    lateSpans: 0,
    callbackErrors: 0,
    redactionErrors: 0,
    internalErrors: 0,
    streamsNotFollowed: 0,
    requestsUntrusted: 0,
    trustHeadersRejected: 0,
    totalsMalformed: 0,
    carriersMalformed: 0,
    carriersNotWritten: 0,
    budgetsUnwatched: 0,
    callsUnpriced: 0,
    runsSampledOut: 0,
    spansSampledOut: 0,
    runsGivenUp: 0,
  },
})

// One that an older version made does not have it.
state.copies = ((state.copies as number | undefined) ?? 0) + 1

/**
 * Sets the registry's bounds.
 *
 * @throws {@link RunspanError} `bad_configuration` where a bound is no number that can bound anything
 */
export function configureRegistry(bounds: {
  readonly maxOpenRuns?: number | undefined
  readonly maxClosedRuns?: number | undefined
}): void {
  const { maxOpenRuns, maxClosedRuns } = bounds
  if (maxOpenRuns !== undefined) state.maxOpenRuns = checkedBound('maxOpenRuns', maxOpenRuns, 1)
  if (maxClosedRuns !== undefined) state.closed = new RecentKeys(checkedBound('maxClosedRuns', maxClosedRuns, 1))
}

function checkedBound(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure ${name}: ${String(value)} cannot be used. Pass a whole number, at least ${least}.`,
  )
}
