import { ATTR_GEN_AI_TOOL_NAME, ATTR_RUNSPAN_CALL_COST_NANO_USD } from '../attributes.ts'
import type { CallUsage } from '../run/usage-attributes.ts'
import { readSpan, SpanFacts } from './span-facts.ts'
import { roleOfMarks, type SpanRole } from './span-role.ts'
import type { SpanNode } from './span-node.ts'
import { Sums, type Contribution } from './sums.ts'
import { addTo, raise } from './tally.ts'

/** `SpanStatusCode.ERROR`, as a number: spans are read structurally. */
const statusError = 2

/** A call as a price book takes it. */
export interface PricedCall {
  readonly provider: string | undefined
  readonly model: string
  readonly timeUnixMillis: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadInputTokens: number
  readonly cacheWriteInputTokens: number
  readonly reasoningOutputTokens: number
}

/** Billionths of a US dollar for a call, or `undefined` where nobody knows. */
export type Pricer = (call: PricedCall) => number | undefined

/**
 * Counts one span that ends, and passes on to its parent what the parent needs to know.
 *
 * Leaves count; containers count only if nothing below them did. Where leaves nest, the outermost that carries usage
 * stands for the call, up to a tool or agent between them; what was counted below it is taken out again. Children may
 * end after their parents, so ended ancestors are looked at too.
 */
export function settleSpan(node: SpanNode, price: Pricer): void {
  const { span } = node
  const facts = readSpan(span.name, span.attributes, span.instrumentationScope?.name)
  const { role } = facts
  node.isBoundary ||= role === 'tool' || role === 'agent'
  node.ended = true
  if (role === 'tool' && !isSameToolAsAbove(node)) raise(node.tally, 'toolCalls')
  settleUsage(node, facts, price)
  settleFailure(node)
  foldUp(node)
}

/** Counts what an agent or run says of itself, where nothing below it said anything. */
export function settleSelfReport(node: SpanNode, reported: CallUsage | undefined, price: Pricer): void {
  if (reported === undefined || node.countedBelow || node.counted) return
  const facts = new SpanFacts()
  facts.input = tokens(reported.inputTokens)
  facts.output = tokens(reported.outputTokens)
  facts.cacheRead = tokens(reported.cacheReadInputTokens)
  facts.cacheWrite = tokens(reported.cacheWriteInputTokens)
  facts.reasoning = tokens(reported.reasoningOutputTokens)
  facts.reportedNanoUsd = reported.costUsd === undefined ? undefined : tokens(reported.costUsd * 1e9)
  facts.model = reported.model
  facts.provider = reported.provider
  countContainer(node, contributionOf(node, facts, price))
}

function tokens(value: number | undefined): number {
  return typeof value === 'number' && value >= 0 ? Math.round(value) : 0
}

function settleUsage(node: SpanNode, facts: SpanFacts, price: Pricer): void {
  if (facts.role === 'leaf') {
    settleLeaf(node, facts, price)
    return
  }
  if (!facts.hasUsage) return
  if (facts.role === 'never' || node.countedBelow) raise(node.tally, 'suppressed')
  else if (claimedBy(node)) suppress(node)
  else countContainer(node, contributionOf(node, facts, price))
}

function settleLeaf(node: SpanNode, facts: SpanFacts, price: Pricer): void {
  if (!facts.hasUsage) {
    // An outer span of the same call says nothing itself: what is below it stands.
    if ((node.below !== undefined && node.below.llmCalls > 0) || claimedBy(node)) return
    const failed = node.span.status.code === statusError
    countLeaf(node, failed ? failedCall : unknownCall)
    return
  }
  node.isLeafWithUsage = true
  if (claimedBy(node)) {
    suppress(node)
    return
  }
  if (node.below !== undefined && node.below.llmCalls > 0) {
    addTo(node.tally, node.below, -1)
    for (let calls = node.below.llmCalls; calls > 0; calls--) raise(node.tally, 'suppressed')
    node.below = undefined
  }
  const contribution = contributionOf(node, facts, price)
  countLeaf(node, contribution)
  if (contribution.unpriced === 0 && !hasOpenLeafAbove(node)) {
    node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] = contribution.nanoUsd
  }
}

/** A span that repeats a call which another one stands for: its cost must not be added by anybody either. */
function suppress(node: SpanNode): void {
  raise(node.tally, 'suppressed')
  delete node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD]
}

const noTokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0, nanoUsd: 0, reported: 0, priced: 0 }
/** A call that failed before anybody could say what it used. */
const failedCall: Contribution = Object.freeze({ ...noTokens, llmCalls: 1, unpriced: 0 })
/** A call that nobody reports usage for. */
const unknownCall: Contribution = Object.freeze({ ...noTokens, llmCalls: 1, unpriced: 1 })

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
  }
}

function countLeaf(node: SpanNode, contribution: Contribution): void {
  node.counted = true
  addTo(node.tally, contribution, 1)
  offer(node, contribution)
}

/** A container's own report; what a run's or agent's root says is offered to nobody above. */
function countContainer(node: SpanNode, contribution: Contribution): void {
  node.counted = true
  node.revocable = contribution
  addTo(node.tally, contribution, 1)
  if (!node.isBoundary) offer(node, contribution)
}

/** Lets the nearest open ancestor know what it may claim, should it turn out to stand for the same call. */
function offer(node: SpanNode, part: Contribution): void {
  let above = node.parent
  while (above !== undefined && above.ended && !above.isBoundary) above = above.parent
  if (above === undefined || above.ended || above.isAgent) return
  const below = (above.below ??= new Sums())
  below.add(part, 1)
}

/** Whether an ancestor that has ended already stands for this span's call. */
function claimedBy(node: SpanNode): boolean {
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
  const toolName = node.span.attributes[ATTR_GEN_AI_TOOL_NAME]
  if (toolName === undefined) return false
  for (let above = node.parent; above !== undefined; above = above.parent) {
    const role = roleAbove(above)
    if (role === 'tool') return above.span.attributes[ATTR_GEN_AI_TOOL_NAME] === toolName
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
  if (node.span.status.code !== statusError) {
    node.failedBelow = false
    return
  }
  if (!node.failedBelow) raise(node.tally, 'errors')
  node.failedBelow = true
}

/** Tells the nearest open ancestor what was counted here, and takes back what ended containers had counted instead. */
function foldUp(node: SpanNode): void {
  if (node.below !== undefined) {
    if (!node.counted && !node.isBoundary) offer(node, node.below)
    node.below = undefined
  }
  const counted = node.counted || node.countedBelow
  let above = node.parent
  while (above !== undefined && above.ended) {
    if (counted && above.revocable !== undefined) {
      addTo(above.tally, above.revocable, -1)
      raise(above.tally, 'suppressed')
      above.revocable = undefined
    }
    above = above.parent
  }
  if (above === undefined) return
  if (node.failedBelow) above.failedBelow = true
  if (counted) above.countedBelow = true
}
