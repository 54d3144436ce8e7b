import type { Contribution } from './contribution.ts'
import { roleOfMarks, type SpanRole } from './span-role.ts'
import { hear, type SpanNode } from './span-node.ts'
import type { Sums } from './sums.ts'

/** Lets the nearest open ancestor know what it may claim, should it turn out to stand for the same call. */
export function offer(node: SpanNode, part: Contribution, spans: number, suppressed: number): void {
  const above = nearestOpen(node)
  if (above === undefined) return
  const claimable = hear(above).toClaim()
  claimable.addCall(part, 1)
  claimable.spans += spans
  claimable.suppressed += suppressed
}

/** Puts something else, or nothing, in the place of what a call had offered. */
export function exchangeOffer(node: SpanNode, stale: Contribution, fresh: Contribution | undefined): void {
  const claimable = nearestOpen(node)?.below?.claimable
  if (claimable === undefined) return
  claimable.addCall(stale, -1)
  if (fresh !== undefined) claimable.addCall(fresh, 1)
  else {
    claimable.spans--
    if (!stale.isSilent) claimable.suppressed--
  }
}

/** The same for all that was offered to a span which does not claim it. */
export function passOn(node: SpanNode, part: Sums): void {
  const above = nearestOpen(node)
  if (above === undefined) return
  const claimable = hear(above).toClaim()
  claimable.addCalls(part, 1)
  claimable.spans += part.spans
  claimable.suppressed += part.suppressed
}

/** The open span above that may still turn out to stand for the same call. */
function nearestOpen(node: SpanNode): SpanNode | undefined {
  let above = node.parent
  while (above !== undefined && above.ended && !above.isBoundary) above = above.parent
  return above === undefined || above.ended || above.isAgent ? undefined : above
}

/** Whether a model call above that has ended already stands for this span's call. */
export function isClaimed(node: SpanNode): boolean {
  return callAbove(node) !== undefined
}

/** The model call above that has ended and stands for this span's call. */
export function callAbove(node: SpanNode): SpanNode | undefined {
  if (node.isBoundary) return undefined
  for (let above = node.parent; above !== undefined && above.ended && !above.isBoundary; above = above.parent) {
    if (above.isLeafWithUsage) return above
  }
  return undefined
}

/** Whether an open span above may still turn out to stand for the same call. */
export function hasOpenLeafAbove(node: SpanNode): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent) {
    const role = roleAbove(above)
    if (role === 'leaf' && !above.ended) return true
    if (role === 'agent' || role === 'tool') return false
  }
  return false
}

/** The role of an ancestor as far as it can be told now. A run's root is always an agent. */
export function roleAbove(above: SpanNode): SpanRole {
  if (above.isAgent) return 'agent'
  const { name, attributes, instrumentationScope } = above.span
  return roleOfMarks(name, attributes, instrumentationScope?.name)
}
