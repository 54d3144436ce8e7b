import { ATTR_GEN_AI_RESPONSE_ID } from '../attributes.ts'
import type { SpanFacts } from './span-facts.ts'
import type { SpanNode } from './span-node.ts'

type HrTime = readonly [number, number]

/** A model call that was counted, as far as it takes to know it again. */
interface CountedCall {
  readonly spanName: string
  readonly startTime: HrTime
  readonly endTime: HrTime | undefined
  readonly scopeName: string | undefined
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
 * where the inner one does not know the outer as its parent, they stand side by side. They are one call where they have
 * the same parent, come from two scopes, overlap in time and agree on tokens and model. An id of the answer on both of
 * them decides alone. Each call is repeated once, so that calls at the same time keep their number.
 *
 * @returns the name of that span, `undefined` where there is none; the span is then remembered itself
 */
export function callBeside(node: SpanNode, facts: SpanFacts): string | undefined {
  const { parent, span } = node
  if (parent === undefined || facts.input + facts.output === 0) return undefined
  const call: CountedCall = {
    spanName: span.name,
    startTime: span.startTime,
    endTime: span.endTime,
    scopeName: span.instrumentationScope?.name,
    responseId: span.attributes[ATTR_GEN_AI_RESPONSE_ID],
    model: facts.model,
    input: facts.input,
    output: facts.output,
  }
  const recent = (parent.hear().recentCalls ??= [])
  for (let index = recent.length - 1; index >= 0; index--) {
    const other = recent[index]!
    if (other.scopeName !== call.scopeName && isSameCall(other, call)) {
      recent.splice(index, 1)
      return other.spanName
    }
  }
  if (recent.length === mostRecent) recent.shift()
  recent.push(call)
  return undefined
}

function isSameCall(one: CountedCall, other: CountedCall): boolean {
  if (one.responseId !== undefined && other.responseId !== undefined) return one.responseId === other.responseId
  if (one.input !== other.input || one.output !== other.output) return false
  return (
    isSameModel(one.model, other.model) &&
    isBefore(one.startTime, other.endTime) &&
    isBefore(other.startTime, one.endTime)
  )
}

/** Some say the model that was asked for, some the dated one that answered. */
function isSameModel(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one.startsWith(other) || other.startsWith(one)
}

function isBefore(time: HrTime, limit: HrTime | undefined): boolean {
  return limit !== undefined && (time[0] < limit[0] || (time[0] === limit[0] && time[1] < limit[1]))
}
