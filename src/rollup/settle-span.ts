import { ATTR_RUNSPAN_CALL_COST_NANO_USD } from '../attributes.ts'
import type { CallUsage } from '../run/usage-attributes.ts'
import { callBeside, stoodForBelow } from './call-beside.ts'
import { flagCarriedUsage, passTokensUp } from './carried-usage.ts'
import { hasOpenLeafAbove, isClaimed, offer, passOn } from './claims.ts'
import { silentCall, speakingFor, type CallOrigin, type Contribution } from './contribution.ts'
import { correctAbove, passTo } from './correct-above.ts'
import type { CostBuckets } from './cost-buckets.ts'
import { plainCall, type PricedCall } from './priced-call.ts'
import { combinedWithBelow, tellAbove } from './richer-call.ts'
import { settleFailure } from './settle-failure.ts'
import { settleTool } from './settle-tool.ts'
import { callDetailsOf } from './span-details.ts'
import { readSpan } from './read-span.ts'
import { SpanFacts } from './span-facts.ts'
import { statusError } from './span-like.ts'
import { sumsUpCalls } from './span-role.ts'
import { hasUsageBelow, hear, silentBelow, unpricedBelow, type SpanNode } from './span-node.ts'
import type { Sums } from './sums.ts'
import { addCallsTo, addTo, raise } from './tally.ts'
import { unpricedName } from './unpriced-models.ts'

/** Billionths of a US dollar for a call, or `undefined` where nobody knows. */
export type Pricer = (call: PricedCall) => number | undefined

/**
 * Counts one span that ends, and passes on to its parent what the parent needs to know.
 *
 * - A model call counts. Where calls nest, the outermost that carries usage stands for the call, up to a tool or agent
 *   between them; what was counted below it is taken out again. Where two instrumentations show one call side by side,
 *   one of them stands for it.
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
  if (role === 'tool' || role === 'agent') node.isBoundary = true
  node.ended = true
  if (role === 'tool') settleTool(node)
  if (role === 'leaf') settleLeaf(node, facts, price)
  else if (facts.hasUsage) settleContainer(node, facts, price)
  if (node.selfReported !== undefined) settleContainer(node, factsOf(node.selfReported), price)
  if (facts.firstChunkSeconds !== undefined) node.part.sawFirstChunk(span.startTime, facts.firstChunkSeconds)
  if (facts.resends > 0) raise(node.tally, 'retries', 1)
  if (span.status.code === statusError) settleFailure(node)
  // Most spans are no calls and have nothing below them: there is nothing to pass on but that they have ended.
  if (node.below !== undefined || node.revocable !== undefined || node.counted) {
    foldUp(node)
    passTokensUp(node)
  }
  if (node.parent !== undefined) hear(node.parent).childEnded()
}

/** What an agent or run said of itself. */
function factsOf(reported: CallUsage): SpanFacts {
  const facts = new SpanFacts()
  facts.inputTokens = tokens(reported.inputTokens)
  facts.outputTokens = tokens(reported.outputTokens)
  facts.cacheReadInputTokens = tokens(reported.cacheReadInputTokens)
  facts.cacheWriteInputTokens = tokens(reported.cacheWriteInputTokens)
  facts.reasoningOutputTokens = tokens(reported.reasoningOutputTokens)
  facts.details = callDetailsOf(reported)
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
  else if (hasUsageBelow(node) || node.counted) {
    raise(node.tally, 'suppressed', 1)
    flagCarriedUsage(node, facts)
    // A call without usage above it is the one that this span was about.
    if (!node.isBoundary) hear(node).toClaim().spans++
  } else {
    const contribution = speakingFor(contributionOf(node, facts, price), silentBelow(node), unpricedBelow(node))
    node.counted = true
    node.ownTokens = facts.inputTokens + facts.outputTokens
    node.revocable = contribution
    addTo(node.tally, contribution, 1)
    // What a tool, agent or run says of itself no model call above it may claim.
    if (!node.isBoundary) offer(node, contribution, 1, 1)
  }
}

function settleLeaf(node: SpanNode, facts: SpanFacts, price: Pricer): void {
  if (!facts.hasUsage) {
    // An outer span of the same call says nothing itself: what is below it stands.
    const claimable = node.below?.claimable
    if (isClaimed(node)) return
    if (claimable !== undefined && claimable.spans > 0) {
      stoodForBelow(node, facts)
      return
    }
    const silent = silentCall(node.span.status.code === statusError, originOf(node, facts))
    node.repeatedName = callBeside(node, facts, silent)
    if (node.repeatedName !== undefined) return
    node.counted = true
    node.revocable = silent
    addTo(node.tally, silent, 1)
    offer(node, silent, 1, 0)
    return
  }
  node.isLeafWithUsage = true
  if (isClaimed(node)) {
    node.ownTokens = 0
    suppress(node)
    node.revocable = combinedWithBelow(node, contributionOf(node, facts, price))
    return
  }
  const claimable = node.below?.claimable
  if (claimable !== undefined) {
    if (claimable.llmCalls > 1 && sumsUpCalls(node.span.attributes)) facts.calls = claimable.llmCalls
    takeOut(node, claimable)
  }
  node.revocable = combinedWithBelow(node, contributionOf(node, facts, price))
  node.repeatedName = callBeside(node, facts, node.revocable)
  if (node.repeatedName !== undefined) {
    node.ownTokens = 0
    suppress(node)
    return
  }
  // A span beside it may have told more.
  const contribution = node.revocable
  node.counted = true
  node.ownTokens = facts.inputTokens + facts.outputTokens
  addTo(node.tally, contribution, 1)
  offer(node, contribution, 1, 1)
  if (contribution.unpriced === 0 && !hasOpenLeafAbove(node)) {
    node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] = contribution.nanoUsd
  }
}

/** Takes out what was counted below a span that stands for it, or that has one above it which does. */
function takeOut(node: SpanNode, claimable: Sums): void {
  addCallsTo(node.tally, claimable, -1)
  raise(node.tally, 'suppressed', claimable.suppressed)
  node.below?.forgetClaimable()
}

/** A span that repeats a call which another one stands for: its cost must not be added by anybody either. */
function suppress(node: SpanNode): void {
  raise(node.tally, 'suppressed', 1)
  delete node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD]
}

function contributionOf(node: SpanNode, facts: SpanFacts, price: Pricer): Contribution {
  const { reportedNanoUsd } = facts
  let nanoUsd = reportedNanoUsd
  let priced = 0
  let isInPart = false
  let buckets: CostBuckets | undefined
  const { costBreakdown } = node.part.feeder
  if (nanoUsd === undefined && hasModel(facts)) {
    facts.startTime = node.span.startTime
    if (costBreakdown === undefined) nanoUsd = price(facts)
    else {
      const breakdown = costBreakdown(facts)
      nanoUsd = breakdown?.nanoUsd
      buckets = breakdown?.buckets
    }
    if (nanoUsd !== undefined) {
      priced = 1
      isInPart = facts.role === 'leaf' && !facts.saysOutput && outputCosts(node, facts, nanoUsd, price)
    }
  } else if (costBreakdown !== undefined && nanoUsd !== undefined) buckets = { undivided: nanoUsd }
  const calls = facts.calls ?? 1
  const hasNoPrice = nanoUsd === undefined || isInPart
  return {
    llmCalls: calls,
    input: facts.inputTokens,
    output: facts.outputTokens,
    cacheRead: facts.cacheReadInputTokens,
    cacheWrite: facts.cacheWriteInputTokens,
    reasoning: facts.reasoningOutputTokens,
    nanoUsd: nanoUsd ?? 0,
    reported: reportedNanoUsd === undefined ? 0 : 1,
    priced,
    unpriced: hasNoPrice ? calls : 0,
    told: toldApart(facts),
    isSilent: false,
    model: facts.model,
    unpricedModel:
      hasNoPrice && facts.model !== undefined ? unpricedName(facts.model, facts.details?.serviceTier) : undefined,
    buckets,
    origin: originOf(node, facts),
  }
}

function hasModel(facts: SpanFacts): facts is SpanFacts & PricedCall {
  return facts.model !== undefined
}

/** Whether the model's output has a price, so that a call which says nothing of it is priced in part. */
function outputCosts(node: SpanNode, call: PricedCall, nanoUsd: number, price: Pricer): boolean {
  const withOutput = { ...plainCall(call), outputTokens: 1000 }
  const { costBreakdown } = node.part.feeder
  return nanoUsd !== (costBreakdown === undefined ? price(withOutput) : costBreakdown(withOutput)?.nanoUsd)
}

/** What decides which of several spans of one call gives its numbers. */
function toldApart(facts: SpanFacts): number {
  const { details } = facts
  const told = facts.cacheReadInputTokens + facts.cacheWriteInputTokens + facts.reasoningOutputTokens
  if (details === undefined) return told
  const audio = details.audioInputTokens + details.audioCacheReadInputTokens + details.audioOutputTokens
  const images = details.imageInputTokens + details.imageCacheReadInputTokens + details.imageOutputTokens
  return told + details.cacheWrite1hInputTokens + audio + images + (details.serviceTier === undefined ? 0 : 1)
}

function originOf(node: SpanNode, { operation, provider, model }: SpanFacts): CallOrigin | undefined {
  return node.part.feeder.tellsModels ? { operation, provider, model } : undefined
}

/** Passes up what was counted here. */
function foldUp(node: SpanNode): void {
  const { below, revocable, parent } = node
  let mayBeClaimed = node.counted
  const claimable = below?.claimable
  if (below !== undefined && claimable !== undefined) {
    below.forgetClaimable()
    if (claimable.spans > 0 && !node.isBoundary) {
      if (isClaimed(node)) takeOut(node, claimable)
      else {
        passOn(node, claimable)
        mayBeClaimed = true
      }
    }
  }
  tellAbove(node)
  const isSilentCall = revocable?.isSilent === true
  const hasUsage = hasUsageBelow(node) || (node.counted && !isSilentCall)
  const silent = isSilentCall ? silentBelow(node) + 1 : silentBelow(node)
  if (parent === undefined || (!hasUsage && silent === 0)) return
  const unpriced = isSilentCall ? unpricedBelow(node) + revocable.unpriced : unpricedBelow(node)
  if (parent.ended) correctAbove(parent, mayBeClaimed && !node.isBoundary, hasUsage, silent, unpriced)
  else passTo(parent, hasUsage, silent, unpriced)
}
