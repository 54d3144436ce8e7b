import { ATTR_GEN_AI_RESPONSE_ID } from '../attributes.ts'
import type { SpanFacts } from './span-facts.ts'
import { startsSoFar, type SpanNode } from './span-node.ts'

/** A model call that was counted, as far as it takes to know it again. */
interface CountedCall {
  readonly spanName: string
  /** When it ended, in the count of starts. */
  readonly endOrder: number
  /** The scopes that showed it: the one that was counted first. */
  readonly scopeNames: (string | undefined)[]
  readonly responseId: unknown
  readonly model: string | undefined
  readonly input: number
  readonly output: number
}

/** The last model calls below one span, for as long as another span may repeat one of them. */
export type RecentCalls = CountedCall[]

/** How many calls below one span are remembered: those that overlap in time with one that ends now. */
const mostRecent = 16

/**
 * The model call beside a span that stands for the same call: two instrumentations of one client write two spans, and
 * where the inner one does not know the outer as its parent, they stand side by side, or the inner one further up. They
 * are one call where the one that ended first has a parent that is around the other too, and they come from two scopes,
 * overlap in time and agree on tokens and model. An id of the answer on both of them
 * decides alone. A scope repeats each call once, so that calls at the same time keep their number.
 *
 * @returns the name of that span, `undefined` where there is none; the span is then remembered itself
 */
export function callBeside(node: SpanNode, facts: SpanFacts): string | undefined {
  const { parent, span } = node
  if (parent === undefined || facts.input + facts.output === 0) return undefined
  const scopeName = span.instrumentationScope?.name
  const call: CountedCall = {
    spanName: span.name,
    endOrder: startsSoFar(),
    scopeNames: [scopeName],
    responseId: span.attributes[ATTR_GEN_AI_RESPONSE_ID],
    model: facts.model,
    input: facts.input,
    output: facts.output,
  }
  // Frameworks that trace by callbacks have no span active while they call a client: its span stands further up.
  for (let above: SpanNode | undefined = parent; above !== undefined; above = above.parent) {
    const other = sameAmong(above.below?.recentCalls, call, node.startOrder)
    if (other !== undefined) {
      other.scopeNames.push(scopeName)
      return other.spanName
    }
    if (above.part.root === above) break
  }
  const recent = (parent.hear().recentCalls ??= [])
  if (recent.length === mostRecent) recent.shift()
  recent.push(call)
  return undefined
}

function sameAmong(recent: RecentCalls | undefined, call: CountedCall, startOrder: number): CountedCall | undefined {
  if (recent === undefined) return undefined
  for (let index = recent.length - 1; index >= 0; index--) {
    const other = recent[index]!
    if (other.scopeNames.includes(call.scopeNames[0])) continue
    if (isSameCall(other, call, startOrder <= other.endOrder)) return other
  }
  return undefined
}

function isSameCall(one: CountedCall, other: CountedCall, overlap: boolean): boolean {
  if (one.responseId !== undefined && other.responseId !== undefined) return one.responseId === other.responseId
  return overlap && one.input === other.input && one.output === other.output && isSameModel(one.model, other.model)
}

/** Some say the model that was asked for, some the dated one that answered. */
function isSameModel(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one.startsWith(other) || other.startsWith(one)
}
