import { ATTR_GEN_AI_RESPONSE_ID, ATTR_RUNSPAN_CALL_COST_NANO_USD } from '../attributes.ts'
import { exchangeOffer, isClaimed } from './claims.ts'
import type { Contribution } from './contribution.ts'
import { hear, type SpanNode } from './span-node.ts'
import type { SpansBelow } from './spans-below.ts'
import { addTo } from './tally.ts'

/** A model call below a span, of those alike the one that tells most of itself. */
export interface ToldCall {
  call: Contribution
  /** The id of its answer, where the span names one. */
  readonly id: string | undefined
  readonly next: ToldCall | undefined
}

/** How many calls that differ in size, model or id one span hears of. */
const mostCalls = 16

/**
 * Of spans of one call that nest, the outermost stands for it, and the one that tells most of it gives the numbers: a
 * client's own span may know what a framework's around it does not pass on. Each span hears of the calls below it, up to
 * a tool or agent, by what they said themselves, and tells the span above it of them and of itself.
 */
export function combinedWithBelow(node: SpanNode, own: Contribution): Contribution {
  if (node.below?.told === undefined) return own
  const call = combined(own, bestBelow(node, own))
  if (call !== own) hear(node).own = own
  return call
}

/** Tells the span above, and puts right what spans further up had counted that ended earlier. */
export function tellAbove(node: SpanNode): void {
  const { parent } = node
  if (node.isBoundary || parent === undefined || parent.isAgent) return
  for (let told = node.below?.told; told !== undefined; told = told.next) tell(parent, told.call, told.id)
  if (node.isLeafWithUsage && node.revocable !== undefined) tell(parent, node.below?.own ?? node.revocable, idOf(node))
}

function tell(first: SpanNode, call: Contribution, id: string | undefined): void {
  for (let above: SpanNode | undefined = first; above !== undefined && !above.isAgent; above = above.parent) {
    if (!remember(hear(above), call, id) || !above.ended || above.isBoundary) return
    if (above.isLeafWithUsage) refine(above)
  }
}

/** @returns whether that is more than was known */
function remember(below: SpansBelow, call: Contribution, id: string | undefined): boolean {
  let calls = 0
  for (let told = below.told; told !== undefined; told = told.next) {
    const { call: known } = told
    if (told.id === id && known.input === call.input && known.output === call.output && known.model === call.model) {
      if (!isRicher(call, known)) return false
      told.call = call
      return true
    }
    calls++
  }
  if (calls >= mostCalls) return false
  below.told = { call, id, next: below.told }
  return true
}

/** Takes what a span below told late into what an ended one stands for. */
function refine(node: SpanNode): void {
  const stale = node.revocable
  if (stale === undefined) return
  const own = node.below?.own ?? stale
  const fresh = combined(own, bestBelow(node, own))
  if (fresh === stale) return
  exchangeCall(node, stale, fresh)
  hear(node).own = own
}

/** Of the calls below that are the same call, the one that tells most. */
function bestBelow(node: SpanNode, own: Contribution): Contribution | undefined {
  const id = idOf(node)
  let best: Contribution | undefined
  for (let told = node.below?.told; told !== undefined; told = told.next) {
    const { call } = told
    const isSame = id !== undefined && told.id !== undefined ? id === told.id : isAlike(own, call)
    if (isSame && (best === undefined || isRicher(call, best))) best = call
  }
  return best
}

/** Whether tokens and model are those of one call. */
function isAlike(own: Contribution, other: Contribution): boolean {
  const isSameSize = own.input === other.input && (own.output === other.output || isInPart(own))
  return isSameSize && isSameModel(own.model, other.model)
}

function idOf(node: SpanNode): string | undefined {
  const id = node.span.attributes[ATTR_GEN_AI_RESPONSE_ID]
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** Puts other numbers in the place of those that a model call was counted with: from now on they are its own. */
export function exchangeCall(node: SpanNode, stale: Contribution, fresh: Contribution): void {
  node.revocable = fresh
  if (node.below !== undefined) node.below.own = undefined
  if (!node.counted || isClaimed(node)) return
  addTo(node.tally, stale, -1)
  addTo(node.tally, fresh, 1)
  exchangeOffer(node, stale, fresh)
  const { attributes } = node.span
  if (attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] !== undefined) {
    attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] = fresh.nanoUsd
  }
}

/** A span's own numbers, with what another span of the same call tells beyond them. */
function combined(own: Contribution, other: Contribution | undefined): Contribution {
  if (other === undefined || own.llmCalls !== 1 || other.llmCalls !== 1) return own
  const isCompleted = isInPart(own) && !isInPart(other)
  const tokens = isCompleted || other.told > own.told ? other : own
  const isOfOtherSize = tokens === other && (own.input !== other.input || own.output !== other.output)
  const cost = isOfOtherSize && own.reported === 0 ? other : costOf(own, other)
  if (tokens === own && cost === own) return own
  return {
    llmCalls: 1,
    input: tokens.input,
    output: tokens.output,
    cacheRead: tokens.cacheRead,
    cacheWrite: tokens.cacheWrite,
    reasoning: tokens.reasoning,
    nanoUsd: cost.nanoUsd,
    reported: cost.reported,
    priced: cost.priced,
    unpriced: cost.unpriced,
    told: tokens.told,
    isSilent: false,
    model: own.model,
    unpricedModel: cost.unpricedModel,
    buckets: cost.buckets,
    origin: own.model === undefined ? other.origin : own.origin,
  }
}

/**
 * Whose cost holds: one that is reported; else the price of the span that knows more tokens apart, be it that nobody has
 * a price for its tier; else one that is known at all.
 */
function costOf(own: Contribution, other: Contribution): Contribution {
  const gain = costRank(other) - costRank(own)
  if (own.reported + other.reported === 0) {
    if (other.told > own.told && other.model !== undefined) return other
    if (own.told > other.told && own.model !== undefined) return own
  }
  return gain > 0 || (gain === 0 && other.told > own.told) ? other : own
}

/** Whether one span tells more than another. An order without ties that matter: it decides whatever ends first. */
function isRicher(one: Contribution, other: Contribution): boolean {
  return (one.told - other.told || costRank(one) - costRank(other) || one.nanoUsd - other.nanoUsd) > 0
}

/** A cost that a producer reports is better known than one from a price list, and that than one of the input alone. */
function costRank(call: Contribution): number {
  if (call.reported > 0) return 2
  return isInPart(call) ? 0.5 : call.priced
}

/** A call that says nothing of its output, which costs something. */
function isInPart({ priced, unpriced }: Contribution): boolean {
  return priced > 0 && unpriced > 0
}

/** Some say the model that was asked for, some the dated one that answered. */
export function isSameModel(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return true
  return other !== '' && (one.startsWith(other) || other.startsWith(one))
}
