import { isClaimed } from './claims.ts'
import { speakingFor, type Contribution } from './contribution.ts'
import { hear, silentBelow, unpricedBelow, type SpanNode } from './span-node.ts'
import { Sums } from './sums.ts'
import { addTo, raise } from './tally.ts'

/** Tells an open parent what was counted below it. */
export function passTo(above: SpanNode, hasUsage: boolean, silent: number, unpriced: number): void {
  const below = hear(above)
  if (hasUsage) below.hasUsage = true
  below.silent += silent
  below.unpriced += unpriced
}

/** Puts right what ancestors that ended earlier had counted in the stead of what comes now. */
export function correctAbove(
  first: SpanNode,
  isNear: boolean,
  hasUsage: boolean,
  silentCalls: number,
  unpricedCalls: number,
): void {
  let above: SpanNode | undefined = first
  let mayBeClaimed = isNear
  let silent = silentCalls
  let unpriced = unpricedCalls
  let taken: Sums | undefined
  for (; above !== undefined && above.ended; above = above.parent) {
    const stale = above.revocable
    const below = hear(above)
    below.silent += silent
    below.unpriced += unpriced
    if (stale !== undefined && !above.isLeafWithUsage && !isClaimed(above)) {
      if (stale.isSilent) {
        // What comes late below a call without usage stands for that call.
        if (mayBeClaimed) {
          taken = exchange(above, stale, undefined, taken)
          silent--
          unpriced -= stale.unpriced
        }
      } else if (hasUsage) {
        taken = exchange(above, stale, undefined, taken)
        raise(above.tally, 'suppressed', 1)
      } else taken = exchange(above, stale, speakingFor(stale, silentBelow(above), unpricedBelow(above)), taken)
    }
    if (above.isBoundary) {
      mayBeClaimed = false
      taken = undefined
    }
  }
  if (above === undefined) return
  const claimable = above.below?.claimable
  if (taken !== undefined && claimable !== undefined) {
    claimable.addCalls(taken, -1)
    claimable.spans -= taken.spans
    claimable.suppressed -= taken.suppressed
  }
  passTo(above, hasUsage, silent, unpriced)
}

/** Puts another contribution in the place of one that an ended span made. Returns what was taken out so far. */
function exchange(
  node: SpanNode,
  stale: Contribution,
  fresh: Contribution | undefined,
  takenSoFar: Sums | undefined,
): Sums | undefined {
  if (fresh === stale) return takenSoFar
  const taken = takenSoFar ?? new Sums()
  addTo(node.tally, stale, -1)
  taken.addCall(stale, 1)
  if (fresh === undefined) {
    if (stale.isSilent) taken.spans++
    else taken.suppressed++
  } else {
    addTo(node.tally, fresh, 1)
    taken.addCall(fresh, -1)
  }
  node.revocable = fresh
  return taken
}
