import { context } from '@opentelemetry/api'

import { randomHex16 } from '../../internal/random-hex.ts'
import type { OpenRunWatcher, WatchedRun } from '../../run/open-run-watcher.ts'
import { shared } from '../../run/shared.ts'
import { count } from '../../run/stats.ts'
import { adoptLostRuns } from '../spool/lost-runs.ts'
import { OpenRunFile, type OpenRun } from '../spool/open-run-file.ts'
import type { ExportableSpan } from '../otlp/exportable-span.ts'
import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import { withEndTime } from '../otlp/with-end-time.ts'
import type { Destination } from './destination.ts'
import type { Lane } from './intake.ts'
import { lostRootOf } from './lost-root.ts'
import { suppressedContext } from './suppressed-context.ts'

/** For how long runs that open and end wait to be written down together: many end before. */
const delayMillis = 1
/** How long writing them down may take at a time. */
const sliceMillis = 1

/** A destination with a spool. */
interface Place {
  readonly encoder: OtlpEncoder
  readonly destination: Destination
  readonly key: string
  readonly leaseMillis: number
  readonly directory: string
  readonly file: OpenRunFile
}

/**
 * Keeps in the spools which runs of this process are open, and what their roots would be if it were lost; and reports
 * those of other processes that were. A run is written down a millisecond after it has opened, unless it has ended by then,
 * and at its checkpoints.
 */
export class OpenRunJournal implements OpenRunWatcher {
  readonly #places: readonly Place[]
  readonly #owner = randomHex16()
  readonly #noted = new Set<WatchedRun>()
  /** Ids of the runs that are in the files. */
  readonly #written = new Set<string>()
  readonly #left = new Set<string>()
  /** The roots that this delivery has seen start; not known where it only hears of ends. */
  #roots: WeakSet<object> | undefined
  #isScheduled = false
  #isClosed = false
  readonly #stopTending: () => void

  private constructor(places: readonly Omit<Place, 'file'>[]) {
    this.#places = places.map((place) => ({
      ...place,
      file: new OpenRunFile(place.destination.settings.spool!, place.key, this.#owner),
    }))
    const shortestLease = Math.min(...places.map(({ leaseMillis }) => leaseMillis))
    const state = shared()
    this.#stopTending = context.with(suppressedContext, () => state.clock.every(shortestLease / 3, () => this.#tend()))
    state.openRunWatchers = [...(state.openRunWatchers ?? []), this]
    this.#tend()
  }

  /** @returns nothing where no destination has a spool */
  static open(lanes: readonly Lane[]): OpenRunJournal | undefined {
    const places = lanes.flatMap(({ encoder, destinations }) =>
      destinations.flatMap((destination) => {
        const { spool } = destination.settings
        if (spool === undefined) return []
        const { leaseMillis, directory } = spool
        return [{ encoder, destination, key: destination.spoolKey, leaseMillis, directory }]
      }),
    )
    return places.length === 0 ? undefined : new OpenRunJournal(places)
  }

  /** Leaves runs to others whose roots it is not shown. */
  onlySeenRoots(): void {
    this.#roots ??= new WeakSet()
  }

  /** A root has started that this delivery will see the end of. */
  sawRoot(span: object): void {
    this.#roots?.add(span)
  }

  noted(run: WatchedRun): void {
    if (this.#isClosed || this.#roots?.has(run.otelSpan) === false) return
    this.#noted.add(run)
    this.#schedule()
  }

  left(run: WatchedRun): void {
    this.#noted.delete(run)
    if (!this.#written.delete(run.runId)) return
    this.#left.add(run.runId)
    this.#schedule()
  }

  settle(): void {
    if (this.#left.size > 0) this.#write([])
  }

  /** What is open now stays in the files: nobody is left to report its end. */
  close(): void {
    if (this.#isClosed) return
    this.settle()
    this.#isClosed = true
    this.#stopTending()
    const state = shared()
    const others = state.openRunWatchers?.filter((watcher) => watcher !== this)
    state.openRunWatchers = others?.length === 0 ? undefined : others
    this.#atEach('close the file of open runs', ({ file }) => file.close())
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    context.with(suppressedContext, () =>
      shared().clock.after(delayMillis, () => {
        this.#isScheduled = false
        if (!this.#isClosed) this.#writeSlice()
      }),
    )
  }

  #writeSlice(): void {
    const end = performance.now() + sliceMillis
    const runs: WatchedRun[] = []
    for (const run of this.#noted) {
      runs.push(run)
      this.#noted.delete(run)
      if (runs.length % 16 === 0) {
        this.#write(runs.splice(0))
        if (performance.now() >= end) break
      }
    }
    if (runs.length > 0 || this.#left.size > 0) this.#write(runs)
    if (this.#noted.size > 0) this.#schedule()
  }

  #write(runs: readonly WatchedRun[]): void {
    const now = shared().clock.nowUnixMillis()
    const left = [...this.#left]
    this.#left.clear()
    const roots = runs.flatMap((run) => {
      const root = rootIfLost(run, now)
      return root === undefined ? [] : [{ runId: run.runId, root }]
    })
    for (const { runId } of roots) this.#written.add(runId)
    this.#atEach('write open runs', ({ encoder, file, destination }) => {
      const opened = roots.flatMap(({ runId, root }): OpenRun[] => {
        const encoded = encoder.encodeSpan(root)
        return encoded === undefined ? [] : [{ runId, root: encoded }]
      })
      if (!file.write(opened, left, now)) {
        destination.spoolFailed('keep note of all open runs: there are too many', undefined)
      }
    })
  }

  /** Shows that this process lives, and reports what others were not able to. */
  #tend(): void {
    const now = shared().clock.nowUnixMillis()
    this.#atEach('tend open runs', ({ file }) => file.touch(now))
    this.#atEach('take over open runs', ({ destination, encoder, key, directory, leaseMillis }) =>
      adoptLostRuns(
        {
          key,
          directory,
          leaseMillis,
          owner: this.#owner,
          take: (roots, lastSeenUnixMillis) =>
            destination.adopt(
              roots.map((root) => root.withBytes(withEndTime(root.bytes, encoder.contentType, lastSeenUnixMillis))),
            ),
          failed: (what, error) => destination.spoolFailed(what, error),
        },
        now,
      ),
    )
  }

  /** A full or broken disk must not reach whoever opens a run. */
  #atEach(what: string, work: (place: Place) => void): void {
    for (const place of this.#places) {
      try {
        work(place)
      } catch (error) {
        place.destination.spoolFailed(what, error)
      }
    }
  }
}

/** A span of somebody else's may throw at anything. */
function rootIfLost(run: WatchedRun, nowUnixMillis: number): ExportableSpan | undefined {
  try {
    return lostRootOf(run, nowUnixMillis)
  } catch (error) {
    count('internalErrors', `an open run ${run.runId} could not be written down`, error)
    return undefined
  }
}
