import { ATTR_RUNSPAN_CALL_COST_NANO_USD } from '../attributes.ts'
import type { CallUsage } from '../run/usage-attributes.ts'
import type { PricedCall } from './priced-call.ts'
import { readSpan, SpanFacts } from './span-facts.ts'
import { roleOfMarks, toolNameOf, type SpanRole } from './span-role.ts'
import type { SpanNode } from './span-node.ts'
import { silentCall, speakingFor, type CallOrigin, type Contribution } from './contribution.ts'
import { Sums } from './sums.ts'
import { addCallsTo, addTo, raise } from './tally.ts'

/** `SpanStatusCode.ERROR`, as a number: spans are read structurally. */
export const statusError = 2

/** Billionths of a US dollar for a call, or `undefined` where nobody knows. */
export type Pricer = (call: PricedCall) => number | undefined

/**
 * Counts one span that ends, and passes on to its parent what the parent needs to know.
 *
 * - A model call counts. Where calls nest, the outermost that carries usage stands for the call, up to a tool or agent
 *   between them; what was counted below it is taken out again.
 * - A container counts only if nothing below it reported usage. Calls below it that said nothing of themselves stay
 *   calls, and the container's usage is theirs.
 *
 * Spans end in any order, children after their parents too: what an ended ancestor counted in their stead is put right,
 * so that the sums come to the same whatever the order.
 */
export function settleSpan(node: SpanNode, price: Pricer): void {
  const { span } = node
  const facts = readSpan(span.name, span.attributes, span.instrumentationScope?.name)
  const { role } = facts
  node.isBoundary ||= role === 'tool' || role === 'agent'
  node.ended = true
  if (role === 'tool' && !isSameToolAsAbove(node)) raise(node.tally, 'toolCalls', 1)
  if (role === 'leaf') settleLeaf(node, facts, price)
  else if (facts.hasUsage) settleContainer(node, facts, price)
  if (node.selfReported !== undefined) settleContainer(node, factsOf(node.selfReported), price)
  settleFailure(node)
  foldUp(node)
}

/** What an agent or run said of itself. */
function factsOf(reported: CallUsage): SpanFacts {
  const facts = new SpanFacts()
  facts.input = tokens(reported.inputTokens)
  facts.output = tokens(reported.outputTokens)
  facts.cacheRead = tokens(reported.cacheReadInputTokens)
  facts.cacheWrite = tokens(reported.cacheWriteInputTokens)
  facts.reasoning = tokens(reported.reasoningOutputTokens)
  facts.reportedNanoUsd = reported.costUsd === undefined ? undefined : tokens(reported.costUsd * 1e9)
  facts.model = reported.model
  facts.provider = reported.provider
  return facts
}

function tokens(value: number | undefined): number {
  return typeof value === 'number' && value >= 0 ? Math.round(value) : 0
}

function settleContainer(node: SpanNode, facts: SpanFacts, price: Pricer): void {
  if (facts.role === 'never') raise(node.tally, 'suppressed', 1)
  else if (isClaimed(node)) suppress(node)
  else if (node.usageBelow || node.counted) {
    raise(node.tally, 'suppressed', 1)
    // A call without usage above it is the one that this span was about.
    if (!node.isBoundary) (node.below ??= new Sums()).spans++
  } else {
    const contribution = speakingFor(contributionOf(node, facts, price), node.silentBelow, node.unpricedBelow)
    node.counted = true
    node.revocable = contribution
    addTo(node.tally, contribution, 1)
    // What a tool, agent or run says of itself no model call above it may claim.
    if (!node.isBoundary) offer(node, contribution, 1, 1)
  }
}

function settleLeaf(node: SpanNode, facts: SpanFacts, price: Pricer): void {
  if (!facts.hasUsage) {
    // An outer span of the same call says nothing itself: what is below it stands.
    if ((node.below !== undefined && node.below.spans > 0) || isClaimed(node)) return
    const silent = silentCall(node.span.status.code === statusError, originOf(node, facts))
    node.counted = true
    node.revocable = silent
    addTo(node.tally, silent, 1)
    offer(node, silent, 1, 0)
    return
  }
  node.isLeafWithUsage = true
  if (isClaimed(node)) {
    suppress(node)
    return
  }
  if (node.below !== undefined) takeOutBelow(node, node.below)
  const contribution = contributionOf(node, facts, price)
  node.counted = true
  addTo(node.tally, contribution, 1)
  offer(node, contribution, 1, 1)
  if (contribution.unpriced === 0 && !hasOpenLeafAbove(node)) {
    node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] = contribution.nanoUsd
  }
}

/** Takes out what was counted below a span that stands for it, or that has one above it which does. */
function takeOutBelow(node: SpanNode, below: Sums): void {
  addCallsTo(node.tally, below, -1)
  raise(node.tally, 'suppressed', below.suppressed)
  node.below = undefined
}

/** A span that repeats a call which another one stands for: its cost must not be added by anybody either. */
function suppress(node: SpanNode): void {
  raise(node.tally, 'suppressed', 1)
  delete node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD]
}

function contributionOf(node: SpanNode, facts: SpanFacts, price: Pricer): Contribution {
  const { startTime } = node.span
  const { input, output, cacheRead, cacheWrite, reasoning, reportedNanoUsd } = facts
  let nanoUsd = reportedNanoUsd
  let priced = 0
  if (nanoUsd === undefined && facts.model !== undefined) {
    nanoUsd = price({
      provider: facts.provider,
      model: facts.model,
      timeUnixMillis: startTime[0] * 1000 + startTime[1] / 1e6,
      inputTokens: input,
      outputTokens: output,
      cacheReadInputTokens: cacheRead,
      cacheWriteInputTokens: cacheWrite,
      reasoningOutputTokens: reasoning,
    })
    if (nanoUsd !== undefined) priced = 1
  }
  return {
    llmCalls: 1,
    input,
    output,
    cacheRead,
    cacheWrite,
    reasoning,
    nanoUsd: nanoUsd ?? 0,
    reported: reportedNanoUsd === undefined ? 0 : 1,
    priced,
    unpriced: nanoUsd === undefined ? 1 : 0,
    isSilent: false,
    origin: originOf(node, facts),
  }
}

function originOf(node: SpanNode, { operation, provider, model }: SpanFacts): CallOrigin | undefined {
  return node.part.feeder.tellsModels ? { operation, provider, model } : undefined
}

/** Lets the nearest open ancestor know what it may claim, should it turn out to stand for the same call. */
function offer(node: SpanNode, part: Contribution, spans: number, suppressed: number): void {
  const above = nearestOpen(node)
  if (above === undefined) return
  const below = (above.below ??= new Sums())
  below.addCall(part, 1)
  below.spans += spans
  below.suppressed += suppressed
}

/** The same for all that was offered to a span which does not claim it. */
function passOn(node: SpanNode, part: Sums): void {
  const above = nearestOpen(node)
  if (above === undefined) return
  const below = (above.below ??= new Sums())
  below.addCalls(part, 1)
  below.spans += part.spans
  below.suppressed += part.suppressed
}

/** The open span above that may still turn out to stand for the same call. */
function nearestOpen(node: SpanNode): SpanNode | undefined {
  let above = node.parent
  while (above !== undefined && above.ended && !above.isBoundary) above = above.parent
  return above === undefined || above.ended || above.isAgent ? undefined : above
}

/** Whether a model call above that has ended already stands for this span's call. */
function isClaimed(node: SpanNode): boolean {
  if (node.isBoundary) return false
  for (let above = node.parent; above !== undefined && above.ended && !above.isBoundary; above = above.parent) {
    if (above.isLeafWithUsage) return true
  }
  return false
}

/** Whether an open span above may still turn out to stand for the same call. */
function hasOpenLeafAbove(node: SpanNode): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent) {
    const role = roleAbove(above)
    if (role === 'leaf' && !above.ended) return true
    if (role === 'agent' || role === 'tool') return false
  }
  return false
}

/** One tool call seen by a wrapper and by a framework is one call: the outer span of the same name stands for it. */
function isSameToolAsAbove(node: SpanNode): boolean {
  let above = node.parent
  if (above === undefined || above.isAgent) return false
  const toolName = toolNameOf(node.span.attributes)
  if (toolName === undefined) return false
  for (; above !== undefined; above = above.parent) {
    const role = roleAbove(above)
    if (role === 'tool') return toolNameOf(above.span.attributes) === toolName
    if (role === 'agent' || role === 'leaf') return false
  }
  return false
}

/** The role of an ancestor as far as it can be told now. A run's root is always an agent. */
function roleAbove(above: SpanNode): SpanRole {
  if (above.isAgent) return 'agent'
  const { name, attributes, instrumentationScope } = above.span
  return roleOfMarks(name, attributes, instrumentationScope?.name)
}

/** A failure that is passed up is one failure: the innermost span that reports it counts. */
function settleFailure(node: SpanNode): void {
  if (node.span.status.code !== statusError) return
  if (!node.failedBelow) raise(node.tally, 'errors', 1)
  const { parent } = node
  if (parent === undefined || parent.failedBelow) return
  parent.failedBelow = true
  // A parent that ended first was counted in this span's stead.
  if (parent.ended && parent.span.status.code === statusError) raise(parent.tally, 'errors', -1)
}

/** Passes up what was counted here. */
function foldUp(node: SpanNode): void {
  const { below, revocable, parent } = node
  let mayBeClaimed = node.counted
  if (below !== undefined) {
    node.below = undefined
    if (below.spans > 0 && !node.isBoundary) {
      if (isClaimed(node)) takeOutBelow(node, below)
      else {
        passOn(node, below)
        mayBeClaimed = true
      }
    }
  }
  const isSilentCall = revocable?.isSilent === true
  const hasUsage = node.usageBelow || (node.counted && !isSilentCall)
  const silent = isSilentCall ? node.silentBelow + 1 : node.silentBelow
  if (parent === undefined || (!hasUsage && silent === 0)) return
  const unpriced = isSilentCall ? node.unpricedBelow + revocable.unpriced : node.unpricedBelow
  if (parent.ended) correctAbove(parent, mayBeClaimed && !node.isBoundary, hasUsage, silent, unpriced)
  else passTo(parent, hasUsage, silent, unpriced)
}

function passTo(above: SpanNode, hasUsage: boolean, silent: number, unpriced: number): void {
  if (hasUsage) above.usageBelow = true
  above.silentBelow += silent
  above.unpricedBelow += unpriced
}

/** Puts right what ancestors that ended earlier had counted in the stead of what comes now. */
function correctAbove(
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
    above.silentBelow += silent
    above.unpricedBelow += unpriced
    if (stale !== undefined && !isClaimed(above)) {
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
      } else taken = exchange(above, stale, speakingFor(stale, above.silentBelow, above.unpricedBelow), taken)
    }
    if (above.isBoundary) {
      mayBeClaimed = false
      taken = undefined
    }
  }
  if (above === undefined) return
  if (taken !== undefined && above.below !== undefined) {
    above.below.addCalls(taken, -1)
    above.below.spans -= taken.spans
    above.below.suppressed -= taken.suppressed
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
