import { ATTR_GEN_AI_RESPONSE_ID, ATTR_RUNSPAN_CALL_COST_NANO_USD } from '../attributes.ts'
import { exchangeOffer, roleAbove } from './claims.ts'
import { silentCall, type Contribution } from './contribution.ts'
import { exchangeCall, isSameModel } from './richer-call.ts'
import type { SpanFacts } from './span-facts.ts'
import { hasUsageBelow, hear, startsSoFar, type SpanNode } from './span-node.ts'
import { addTo, raise } from './tally.ts'

/** A model call that was counted, as far as it takes to know it again. */
interface CountedCall {
  /** The span that stands for it. */
  node: SpanNode
  contribution: Contribution
  /** When it ended, in the count of starts. */
  readonly endOrder: number
  /** The scope that showed it first, and those that repeated it. */
  readonly scopeName: string | undefined
  repeatedBy: (string | undefined)[] | undefined
  readonly model: string | undefined
}

/** How many calls below one span are remembered: those that overlap in time with one that ends now. */
const mostRecent = 16

/** The last model calls below one span, for as long as another span may repeat one of them. */
export class RecentCalls {
  readonly #calls: CountedCall[] = []
  #next = 0
  /** The scope of all of them, while there is one. */
  readonly #scopeName: string | undefined
  #isMixed = false

  constructor(scopeName: string | undefined) {
    this.#scopeName = scopeName
  }

  add(call: CountedCall): void {
    this.#calls[this.#next] = call
    this.#next = (this.#next + 1) % mostRecent
    this.#isMixed ||= call.scopeName !== this.#scopeName
  }

  /**
   * @param isBeside whether they have one parent: calls without usage say too little to be known further away
   * @param around scopes that show the call as a span around it already
   */
  find(call: CountedCall, isBeside: boolean, around: readonly (string | undefined)[]): CountedCall | undefined {
    const { scopeName } = call
    if (!this.#isMixed && scopeName === this.#scopeName) return undefined
    let silent: CountedCall | undefined
    for (let age = 1; age <= this.#calls.length; age++) {
      const other = this.#calls[(this.#next - age + mostRecent) % mostRecent]!
      if (other.scopeName === scopeName || other.repeatedBy?.includes(scopeName)) continue
      if (around.some((scope) => other.scopeName === scope || other.repeatedBy?.includes(scope))) continue
      if (!isSameCall(other, call)) continue
      if (!other.contribution.isSilent && !call.contribution.isSilent) return other
      if (isBeside) silent ??= other
    }
    return silent
  }
}

/**
 * The model call beside a span that stands for the same call: two instrumentations of one client write two spans, and
 * where the inner one does not know the outer as its parent, they stand side by side, or the inner one further up. They
 * are one call where one of them has a parent that is around the other too, and they come from two scopes,
 * overlap in time and agree on tokens and model; of calls without usage the model has to do. An id of the answer on both
 * of them decides alone. A scope shows each call once, so that calls at the same time keep their number.
 *
 * Usage takes the place of none, and of two spans the numbers of the one that tells more apart count.
 *
 * @param contribution what the span would add
 * @returns the name of the span that stands for the call, `undefined` where this one is to be counted
 */
export function callBeside(node: SpanNode, facts: SpanFacts, contribution: Contribution): string | undefined {
  const { parent } = node
  if (parent === undefined) return undefined
  const { openChildren, recentCalls, recentBelow } = hear(parent)
  // Nothing else is open below the parent, so nothing that ends later can have begun before this.
  const isAlone = openChildren <= 1
  if (isAlone && recentCalls === undefined && recentBelow === undefined && !mayBeRepeatedAbove(parent)) return undefined
  const call = countedCall(node, facts, contribution)
  // Frameworks that trace by callbacks have no span active while they call a client: its span stands further up.
  const deeper = recentBelow?.find(call, false, [])
  if (deeper !== undefined) {
    noteRepeat(deeper, call)
    return settleBetween(deeper, call)
  }
  const around: (string | undefined)[] = []
  for (let above: SpanNode | undefined = parent; above !== undefined; above = above.parent) {
    const other = above.below?.recentCalls?.find(call, above === parent, around)
    if (other !== undefined) {
      noteRepeat(other, call)
      return above === parent || contribution.isSilent ? settleBetween(other, call) : takeOver(other, call)
    }
    if (above.part.root === above) break
    if (roleAbove(above) === 'leaf') around.push(above.span.instrumentationScope?.name)
  }
  if (!isAlone) (hear(parent).recentCalls ??= new RecentCalls(call.scopeName)).add(call)
  if (!contribution.isSilent) rememberAbove(parent, call)
  return undefined
}

function countedCall(node: SpanNode, { model }: SpanFacts, contribution: Contribution): CountedCall {
  const scopeName = node.span.instrumentationScope?.name
  return { node, contribution, endOrder: startsSoFar(), scopeName, repeatedBy: undefined, model }
}

function noteRepeat(counted: CountedCall, { scopeName }: CountedCall): void {
  ;(counted.repeatedBy ??= []).push(scopeName)
}

/** A client's span that is still open may stand further up than the framework's that ends now. */
function rememberAbove(parent: SpanNode, call: CountedCall): void {
  for (let at = parent; at.part.root !== at && at.parent !== undefined; at = at.parent) {
    // It is that call's own, then.
    if (roleAbove(at) === 'leaf') return
    const above = hear(at.parent)
    if (above.openChildren > 1) (above.recentBelow ??= new RecentCalls(call.scopeName)).add(call)
  }
}

/**
 * The same for a span that says nothing of its usage, and that calls below it stand for: a span beside it that shows the
 * same call is not counted, too.
 */
export function stoodForBelow(node: SpanNode, facts: SpanFacts): void {
  const { parent } = node
  if (parent === undefined) return
  const { openChildren, recentCalls } = hear(parent)
  if (openChildren <= 1 && recentCalls === undefined) return
  const call = countedCall(node, facts, silentCall(false, undefined))
  const other = recentCalls?.find(call, true, [])
  if (other === undefined) {
    if (openChildren > 1) (hear(parent).recentCalls ??= new RecentCalls(call.scopeName)).add(call)
    return
  }
  noteRepeat(other, call)
  const stale = other.node.revocable
  if (stale === undefined || !(stale.isSilent || hasUsageBelow(node)) || isBelow(other.node, node)) return
  takeBack(other.node, stale, node)
  if (!stale.isSilent) raise(other.node.tally, 'suppressed', 1)
  other.node = node
}

function isBelow(node: SpanNode, top: SpanNode): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent) if (above === top) return true
  return false
}

/** Lets the span that stands further down stand for the call: the agents around it have it in their sums, too. */
function takeOver(counted: CountedCall, call: CountedCall): string | undefined {
  const { node } = counted
  const stale = node.revocable
  if (stale === undefined || stale.isSilent) return settleBetween(counted, call)
  takeBack(node, stale, call.node)
  raise(node.tally, 'suppressed', 1)
  if (stale.told > call.contribution.told) {
    call.node.revocable = stale
    if (call.node.below !== undefined) call.node.below.own = undefined
  }
  counted.node = call.node
  return undefined
}

/** Takes out a call that another span, or what is below that, stands for. */
function takeBack(node: SpanNode, stale: Contribution, by: SpanNode): void {
  addTo(node.tally, stale, -1)
  exchangeOffer(node, stale, undefined)
  node.counted = false
  node.revocable = undefined
  node.repeatedName = by.span.name
  delete node.span.attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD]
}

/** Whether a span further up has shown the call, or one that is open there may. */
function mayBeRepeatedAbove(node: SpanNode): boolean {
  for (let above: SpanNode | undefined = node; above !== undefined; above = above.parent) {
    const { below } = above
    if (below !== undefined && (below.recentCalls !== undefined || below.openChildren > 1)) return true
    if (above.part.root === above) break
  }
  return false
}

function isSameCall(one: CountedCall, other: CountedCall): boolean {
  const idOfOne = one.node.span.attributes[ATTR_GEN_AI_RESPONSE_ID]
  const idOfOther = idOfOne === undefined ? undefined : other.node.span.attributes[ATTR_GEN_AI_RESPONSE_ID]
  if (idOfOther !== undefined) return idOfOne === idOfOther
  if (other.node.startOrder > one.endOrder) return false
  const ofOne = one.contribution
  const ofOther = other.contribution
  if (ofOne.isSilent || ofOther.isSilent) return one.model !== undefined && isSameModel(one.model, other.model ?? '')
  return ofOne.input === ofOther.input && ofOne.output === ofOther.output && isSameModel(one.model, other.model)
}

/** Decides which of two spans of one call counts. @returns the name of the one that does, where it is the earlier one */
function settleBetween(counted: CountedCall, call: CountedCall): string | undefined {
  const { node } = counted
  // A late span below may have put something else in its place, or stand for the call itself.
  const contribution = node.revocable
  if (contribution === undefined) return call.contribution.isSilent || hasUsageBelow(node) ? node.span.name : undefined
  if (contribution.isSilent && !call.contribution.isSilent) {
    takeBack(node, contribution, call.node)
    counted.node = call.node
  } else {
    if (call.contribution.isSilent || call.contribution.told <= contribution.told) return node.span.name
    exchangeCall(node, contribution, call.contribution)
  }
  counted.contribution = call.contribution
  return counted.node === call.node ? undefined : node.span.name
}
