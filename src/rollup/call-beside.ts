import { ATTR_GEN_AI_RESPONSE_ID } from '../attributes.ts'
import { exchangeOffer, roleAbove } from './claims.ts'
import type { Contribution } from './contribution.ts'
import { exchangeCall, isSameModel } from './richer-call.ts'
import type { SpanFacts } from './span-facts.ts'
import { startsSoFar, type SpanNode } from './span-node.ts'
import { addTo } from './tally.ts'

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
 * are one call where the one that ended first has a parent that is around the other too, and they come from two scopes,
 * overlap in time and agree on tokens and model; of calls without usage the model has to do. An id of the answer on both
 * of them decides alone. A scope shows each call once, so that calls at the same time keep their number.
 *
 * Usage takes the place of none, and of two spans the numbers of the one that tells more apart count.
 *
 * @param contribution what the span would add
 * @returns the name of the span that stands for the call, `undefined` where this one is to be counted
 */
export function callBeside(node: SpanNode, facts: SpanFacts, contribution: Contribution): string | undefined {
  const { parent, span } = node
  if (parent === undefined) return undefined
  const { openChildren, recentCalls } = parent.hear()
  // Nothing else is open below the parent, so nothing that ends later can have begun before this.
  const isAlone = openChildren <= 1
  if (isAlone && recentCalls === undefined && !hasRecentAbove(parent)) return undefined
  const scopeName = span.instrumentationScope?.name
  const call: CountedCall = {
    node,
    contribution,
    endOrder: startsSoFar(),
    scopeName,
    repeatedBy: undefined,
    model: facts.model,
  }
  // Frameworks that trace by callbacks have no span active while they call a client: its span stands further up.
  const around: (string | undefined)[] = []
  for (let above: SpanNode | undefined = parent; above !== undefined; above = above.parent) {
    const other = above.below?.recentCalls?.find(call, above === parent, around)
    if (other !== undefined) {
      ;(other.repeatedBy ??= []).push(scopeName)
      return settleBetween(other, call)
    }
    if (above.part.root === above) break
    if (roleAbove(above) === 'leaf') around.push(above.span.instrumentationScope?.name)
  }
  if (!isAlone) (parent.hear().recentCalls ??= new RecentCalls(scopeName)).add(call)
  return undefined
}

function hasRecentAbove(node: SpanNode): boolean {
  for (let above: SpanNode | undefined = node; above !== undefined; above = above.parent) {
    if (above.below?.recentCalls !== undefined) return true
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
  if (contribution === undefined) return node.span.name
  if (contribution.isSilent && !call.contribution.isSilent) {
    addTo(node.tally, contribution, -1)
    exchangeOffer(node, contribution, undefined)
    node.counted = false
    node.revocable = undefined
    node.repeatedName = call.node.span.name
    counted.node = call.node
  } else {
    if (call.contribution.isSilent || call.contribution.told <= contribution.told) return node.span.name
    exchangeCall(node, contribution, call.contribution)
  }
  counted.contribution = call.contribution
  return counted.node === call.node ? undefined : node.span.name
}
