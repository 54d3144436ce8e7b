import type { WatchedRun } from './open-run-watcher.ts'
import type { RunEntry } from './run-entry.ts'
import { shared } from './shared.ts'
import { count } from './stats.ts'

/**
 * The registry of open parts of this process: runs that were opened here, and segments that joined.
 *
 * - Entered when the root span has started.
 * - Left when the part ends, is handed off, or is evicted because more than `maxOpenRuns` are open. An evicted part
 *   goes on and ends as ever; only the sweeper and look-ups by id no longer know it.
 */
export function register(entry: RunEntry): void {
  const { open, maxOpenRuns, openRunWatchers } = shared()
  open.add(entry)
  if (open.size > maxOpenRuns) {
    if (open.oldest !== undefined) open.delete(open.oldest)
    count(
      'openRunsEvicted',
      `more than ${maxOpenRuns} runs are open; the oldest is no longer watched. Raise maxOpenRuns, or look for runs that are never ended.`,
    )
  }
  watch(entry)
  if (openRunWatchers !== undefined) noteOpen(entry)
}

/** Takes a part out; of a run its id is remembered for a while, so that it is not given out again. */
export function forget(entry: RunEntry, remember: boolean): void {
  const { open, closed, openRunWatchers } = shared()
  open.delete(entry)
  if (openRunWatchers !== undefined && isWatched(entry)) for (const watcher of openRunWatchers) watcher.left(entry)
  if (remember) closed.add(entry.runId)
}

/** Whether this process has used a run id for a run of its own. */
export function isUsed(runId: string): boolean {
  const { open, closed } = shared()
  const entry = open.get(runId)
  return (entry !== undefined && !entry.joined) || closed.has(runId)
}

/** Tells who keeps note of open runs outside of this process how far one has come. */
export function noteOpen(entry: RunEntry): void {
  if (isWatched(entry)) for (const watcher of shared().openRunWatchers ?? []) watcher.noted(entry)
}

/** Has them write down at once what they were told. */
export function settleWatchers(): void {
  for (const watcher of shared().openRunWatchers ?? []) watcher.settle()
}

/** Runs whose root this process writes, also those of another copy of the package. */
function isWatched(entry: RunEntry): entry is RunEntry & WatchedRun {
  return typeof (entry as Partial<WatchedRun>).attributesIfLost === 'function'
}

const longestSweepMillis = 60_000
const shortestSweepMillis = 20
/** How many runs write a checkpoint in one sweep: many runs may be open, and others wait for the event loop. */
const mostCheckpoints = 256
const seenAt = new WeakMap<RunEntry, Seen>()
let sweepMillis = Number.POSITIVE_INFINITY
let stopSweeping: (() => void) | undefined

/** What the sweeper knows of an open part. */
interface Seen {
  activity: number
  activeUnixMillis: number
  /** When it last wrote a checkpoint, or was first seen. */
  checkpointUnixMillis: number
}

/** A number that grows with whatever goes on in a part, and around a segment whose run is open here too. */
function activityOf({ activity, tally, local }: RunEntry): number {
  return activity + (tally?.activity ?? 0) + (local?.tally?.activity ?? 0)
}

/** Sweeps often enough for this part: four times in the time it may stay silent, and in that between two checkpoints. */
function watch(entry: RunEntry): void {
  const { checkpointIntervalMillis } = shared().settings
  const shortest = Math.min(entry.abandonAfterMillis, checkpointIntervalMillis)
  const wanted = Math.max(shortestSweepMillis, Math.min(longestSweepMillis, shortest / 4))
  if (stopSweeping !== undefined && wanted >= sweepMillis) return
  stopSweeping?.()
  sweepMillis = wanted
  stopSweeping = shared().clock.every(wanted, sweep)
}

/**
 * Ends what has shown no span for its `abandonAfterMillis`, and has runs write checkpoints that are open long enough.
 * Activity is what the rollup counts anyway; only the sweep looks at the clock, so that a span costs no time stamp
 * more. Checkpoints are no activity.
 */
export function sweep(): void {
  const { open, clock, settings } = shared()
  const now = clock.nowUnixMillis()
  const due: { readonly entry: RunEntry; readonly seen: Seen }[] = []
  for (const entry of open.values()) {
    const seen = seenAt.get(entry)
    const activity = activityOf(entry)
    if (seen === undefined) {
      seenAt.set(entry, { activity, activeUnixMillis: now, checkpointUnixMillis: now })
      continue
    }
    if (seen.activity !== activity) {
      seen.activity = activity
      seen.activeUnixMillis = now
    } else if (now - seen.activeUnixMillis >= entry.abandonAfterMillis) {
      entry.abandon('no_activity')
      continue
    }
    if (now - seen.checkpointUnixMillis >= settings.checkpointIntervalMillis) due.push({ entry, seen })
  }
  if (due.length > mostCheckpoints) due.sort((a, b) => a.seen.checkpointUnixMillis - b.seen.checkpointUnixMillis)
  for (const { entry, seen } of due.slice(0, mostCheckpoints)) {
    seen.checkpointUnixMillis = now
    try {
      entry.checkpoint?.()
    } catch (error) {
      count('internalErrors', `failed to write a checkpoint of run ${entry.runId}`, error)
    }
  }
  if (open.size === 0) {
    stopSweeping?.()
    stopSweeping = undefined
    sweepMillis = Number.POSITIVE_INFINITY
  }
}
