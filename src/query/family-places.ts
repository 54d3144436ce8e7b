import type { Dispatch } from './dispatch.ts'
import type { RunTree } from './run-tree.ts'

/** Where a run stands among others: what is known of it, and below whom it belongs. */
export interface Place {
  readonly runId: string
  /** Absent where the run is only named by others. */
  readonly run: RunTree | undefined
  /** The span that started it, where that is there. */
  dispatch: Dispatch | undefined
  parent: Place | undefined
}

/**
 * Gives every run that is there, or that is named, one place below at most one other.
 *
 * A run's own root decides who its parent is. A run without a root belongs below the run that dispatched it; one that
 * is only named as a parent, below the first run of the family, where a child knew that. Parents that go in a circle are
 * cut above the run of the circle that started first.
 *
 * @param runs in the order in which they started
 * @returns the places in the order in which their runs started
 */
export function placeRuns(runs: readonly RunTree[]): readonly Place[] {
  const places = new Map<string, Place>()
  for (const run of runs) places.set(run.runId, { runId: run.runId, run, dispatch: undefined, parent: undefined })
  const keptAs = new Map<string, string>()
  for (const { requestedRunId, runId } of runs) if (requestedRunId !== undefined) keptAs.set(requestedRunId, runId)
  const idOf = (named: string): string => (places.has(named) ? named : (keptAs.get(named) ?? named))
  const placeOf = (named: string): Place => {
    const runId = idOf(named)
    const there = places.get(runId)
    if (there !== undefined) return there
    const place: Place = { runId, run: undefined, dispatch: undefined, parent: undefined }
    places.set(runId, place)
    return place
  }
  placeDispatched(runs, placeOf)
  placeNamed(runs, placeOf)
  const all = [...places.values()]
  cutCircles(all)
  return inOrder(all)
}

/** Places what runs started. A child that has a root says by itself where it belongs. */
function placeDispatched(runs: readonly RunTree[], placeOf: (named: string) => Place): void {
  // Nobody waits for an execution that was repeated under an id of its own, unless something of it is there.
  const known = new Set(runs.map(({ runId }) => runId))
  const repeated = new Set(runs.map(({ firstRunId }) => firstRunId))
  for (const run of runs) {
    for (const dispatch of run.dispatches) {
      if (!dispatch.isParent || (repeated.has(dispatch.childRunId) && !known.has(dispatch.childRunId))) continue
      const child = placeOf(dispatch.childRunId)
      child.dispatch ??= dispatch
      if (child.run?.root === undefined) child.parent ??= placeOf(run.runId)
    }
  }
}

/** Places what names its parent. A parent that is not there is a place all the same: siblings meet in it. */
function placeNamed(runs: readonly RunTree[], placeOf: (named: string) => Place): void {
  for (const { runId, parentRunId, rootRunId } of runs) {
    if (parentRunId === undefined) continue
    const parent = placeOf(parentRunId)
    placeOf(runId).parent = parent
    if (rootRunId === undefined || parent.run?.root !== undefined) continue
    const first = placeOf(rootRunId)
    if (first !== parent) parent.parent ??= first
  }
}

function cutCircles(places: readonly Place[]): void {
  const walks = new Map<Place, Place>()
  for (const from of places) {
    let at: Place | undefined = from
    while (at !== undefined && !walks.has(at)) {
      walks.set(at, from)
      at = at.parent
    }
    // A walk that meets itself went round; one that meets an earlier walk goes on as that did.
    if (at !== undefined && walks.get(at) === from) firstOfCircle(at).parent = undefined
  }
}

function firstOfCircle(member: Place): Place {
  let first = member
  for (let at = member.parent!; at !== member; at = at.parent!) if (compare(at, first, ownStartOf) < 0) first = at
  return first
}

/** When a run started, by what is known of itself. */
function ownStartOf({ run, dispatch }: Place): bigint | undefined {
  return run?.startUnixNano ?? dispatch?.span.startUnixNano
}

/** In the order of starts. Of a run that is only named, the start of its first child stands in. */
function inOrder(places: readonly Place[]): readonly Place[] {
  const starts = new Map<Place, bigint>()
  for (const place of places) {
    const start = ownStartOf(place)
    if (start === undefined) continue
    // Up to the first ancestor that knows its own start.
    for (let at: Place | undefined = place; at !== undefined; at = at.parent) {
      if (at !== place && ownStartOf(at) !== undefined) break
      const there = starts.get(at)
      if (there === undefined || start < there) starts.set(at, start)
    }
  }
  return places.toSorted((a, b) => compare(a, b, (place) => starts.get(place)))
}

/** By start, those without one last; then by id, so that the order of arrival decides nothing. */
function compare(a: Place, b: Place, startOf: (place: Place) => bigint | undefined): number {
  const startA = startOf(a)
  const startB = startOf(b)
  if (startA !== startB) {
    if (startA === undefined || startB === undefined) return startA === undefined ? 1 : -1
    return startA < startB ? -1 : 1
  }
  return a.runId < b.runId ? -1 : 1
}
