import { ATTR_GEN_AI_RESPONSE_ID, ATTR_RUNSPAN_CALL_COST_NANO_USD } from '../attributes.ts'
import { exchangeOffer, isClaimed } from './claims.ts'
import type { Contribution } from './contribution.ts'
import type { SpanNode } from './span-node.ts'
import { addTo } from './tally.ts'

/**
 * Of spans of one call that nest, the outermost stands for it, and the one that tells most of it gives the numbers: a
 * client's own span may know what a framework's around it does not pass on. Each span hears of the one below it that
 * tells most, and passes the better one on.
 */
export function combinedWithBelow(node: SpanNode, own: Contribution): Contribution {
  const richest = node.below?.richest
  if (richest === undefined || own.isSilent) return own
  const call = combined(own, richest, isSameAnswer(node))
  if (call !== own) node.hear().own = own
  return call
}

/** Passes on to the spans above what tells most of a call, and puts right what those had counted that ended earlier. */
export function tellAbove(node: SpanNode): void {
  if (node.isBoundary) return
  let call = node.isLeafWithUsage ? node.revocable : node.below?.richest
  if (call === undefined || node.parent?.isAgent === true) return
  let id = node.isLeafWithUsage ? idOf(node) : node.below?.richestId
  for (let above = node.parent; call !== undefined && above !== undefined && !above.isAgent; above = above.parent) {
    const below = above.hear()
    if (below.richest !== undefined && !isRicher(call, below.richest)) return
    below.richest = call
    below.richestId = id
    if (!above.ended || above.isBoundary) return
    if (!above.isLeafWithUsage) continue
    call = refined(above, call)
    id = idOf(above)
  }
}

/** Takes what a span below told late into what an ended one stands for. @returns `undefined` where that is nothing new */
function refined(node: SpanNode, richest: Contribution): Contribution | undefined {
  const stale = node.revocable
  if (stale === undefined) return undefined
  const own = node.below?.own ?? stale
  const fresh = combined(own, richest, isSameAnswer(node))
  if (!isRicher(fresh, stale)) return undefined
  node.hear().own = own
  exchangeCall(node, stale, fresh)
  return fresh
}

/** Puts other numbers in the place of those that a model call was counted with. */
export function exchangeCall(node: SpanNode, stale: Contribution, fresh: Contribution): void {
  node.revocable = fresh
  if (!node.counted || isClaimed(node)) return
  addTo(node.tally, stale, -1)
  addTo(node.tally, fresh, 1)
  exchangeOffer(node, stale, fresh)
  const { attributes } = node.span
  if (attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] !== undefined) {
    attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] = fresh.nanoUsd
  }
}

/** Whether a span and the richest below it name one answer; `undefined` where one of them names none. */
function isSameAnswer(node: SpanNode): boolean | undefined {
  const below = node.below?.richestId
  const own = below === undefined ? undefined : idOf(node)
  return own === undefined ? undefined : own === below
}

function idOf(node: SpanNode): string | undefined {
  const id = node.span.attributes[ATTR_GEN_AI_RESPONSE_ID]
  return typeof id === 'string' && id !== '' ? id : undefined
}

/**
 * A span's own numbers, with what another span of the same call tells beyond them.
 *
 * @param isSame whether it is the same call; `undefined` where tokens and model have to tell
 */
function combined(own: Contribution, other: Contribution, isSame: boolean | undefined): Contribution {
  if (own.llmCalls !== 1 || other.llmCalls !== 1) return own
  const isCompleted = isInPart(own) && !isInPart(other)
  const isSameSize = own.input === other.input && (own.output === other.output || isCompleted)
  if (!(isSame ?? (isSameSize && isSameModel(own.model, other.model)))) return own
  const tokens = isCompleted || other.told > own.told ? other : own
  const cost = isCompleted || (!isSameSize && tokens === other && own.reported === 0) ? other : costOf(own, other)
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
    model: own.model ?? other.model,
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
  return (
    (one.told - other.told ||
      costRank(one) - costRank(other) ||
      one.nanoUsd - other.nanoUsd ||
      one.input - other.input ||
      one.output - other.output) > 0
  )
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
