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
  const { open, maxOpenRuns } = shared()
  open.add(entry)
  if (open.size > maxOpenRuns) {
    if (open.oldest !== undefined) open.delete(open.oldest)
    count(
      'openRunsEvicted',
      `more than ${maxOpenRuns} runs are open; the oldest is no longer watched. Raise maxOpenRuns, or look for runs that are never ended.`,
    )
  }
  watch(entry)
}

/** Takes a part out; of a run its id is remembered for a while, so that it is not given out again. */
export function forget(entry: RunEntry, remember: boolean): void {
  const { open, closed } = shared()
  open.delete(entry)
  if (remember) closed.add(entry.runId)
}

/** Whether this process has used a run id for a run of its own. */
export function isUsed(runId: string): boolean {
  const { open, closed } = shared()
  const entry = open.get(runId)
  return (entry !== undefined && !entry.joined) || closed.has(runId)
}

const longestSweepMillis = 60_000
const shortestSweepMillis = 20
const sweptAt = new WeakMap<RunEntry, { activity: number; unixMillis: number }>()
let sweepMillis = Number.POSITIVE_INFINITY
let stopSweeping: (() => void) | undefined

/** Sweeps often enough for this part: four times in the time it may stay silent. */
function watch(entry: RunEntry): void {
  const wanted = Math.max(shortestSweepMillis, Math.min(longestSweepMillis, entry.abandonAfterMillis / 4))
  if (stopSweeping !== undefined && wanted >= sweepMillis) return
  stopSweeping?.()
  sweepMillis = wanted
  stopSweeping = shared().clock.every(wanted, sweep)
}

/**
 * Ends what has shown no span for its `abandonAfterMillis`. Activity is a counter that the rollup raises; only the
 * sweep looks at the clock, so that a span costs no time stamp more.
 */
export function sweep(): void {
  const { open, clock } = shared()
  const now = clock.nowUnixMillis()
  for (const entry of open.values()) {
    const last = sweptAt.get(entry)
    if (last === undefined || last.activity !== entry.activity) {
      sweptAt.set(entry, { activity: entry.activity, unixMillis: now })
    } else if (now - last.unixMillis >= entry.abandonAfterMillis) {
      entry.abandon('no_activity')
    }
  }
  if (open.size === 0) {
    stopSweeping?.()
    stopSweeping = undefined
    sweepMillis = Number.POSITIVE_INFINITY
  }
}
