import { callAbove } from './claims.ts'
import type { RollupScope } from './rollup-attributes.ts'
import { readSpan } from './read-span.ts'
import type { SpanFacts } from './span-facts.ts'
import type { ReadableSpanLike } from './span-like.ts'
import { hasUsageBelow, nodeOf, type SpanNode } from './span-node.ts'
import type { SpanRole } from './span-role.ts'
import { isSameToolAsAbove } from './settle-tool.ts'

/** Why a span was counted or not; the codes are stable. */
export type CountReason =
  | 'no_run'
  | 'still_open'
  | 'no_call'
  | 'model_call'
  | 'call_without_usage'
  | 'tool_call'
  | 'stands_for_calls_below'
  | 'call_above_stands_for_it'
  | 'call_beside_stands_for_it'
  | 'usage_below'
  | 'tool_above_stands_for_it'
  | 'describes_a_call'

/** What the rollup made of one span. */
export interface SpanExplanation {
  /** What the span is taken for, by its marks. */
  readonly role: SpanRole
  /** Whether the span itself adds a model call, a tool call or usage to the totals. */
  readonly counted: boolean
  readonly reason: CountReason
  /** The same as a sentence, with the names of the spans that matter. */
  readonly text: string
  /** The run whose totals it belongs to; none where it belongs to no run. */
  readonly runId?: string
  /** What the sums are of that it is added to first. */
  readonly scope?: RollupScope
  /** What was read from it, where it reports usage. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly model?: string }
}

/**
 * Says why a span was counted in the totals of its run, or was not: for looking into a number that surprises. It answers
 * for what is known now; spans that end later may change it. Costs about as much as counting the span did.
 *
 * @param span a span of this process, ended or not: the object that the tracer gave, or that an exporter is given
 *
 * @example
 * ```ts
 * import { explainSpan } from 'runspan'
 * import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
 *
 * const explainAll: SpanProcessor = {
 *   onStart() {},
 *   onEnd: (span) => console.log(span.name, explainSpan(span).text),
 *   forceFlush: async () => {},
 *   shutdown: async () => {},
 * }
 * ```
 */
export function explainSpan(span: object): SpanExplanation {
  const node = nodeOf(span)
  if (node === undefined) {
    const role = isReadable(span) ? read(span).role : 'unknown'
    const text = 'It belongs to no run that a RunRollupProcessor of this process counts, or it is not recorded.'
    return { role, counted: false, reason: 'no_run', text }
  }
  const facts = read(node.span)
  const role = node.isAgent ? 'agent' : facts.role
  const { counted, reason, text } = verdictOn(node, facts)
  const { part, tally } = node
  const { inputTokens, outputTokens, model } = facts
  return {
    role,
    counted,
    reason,
    text,
    runId: part.entry.runId,
    scope: tally.scope,
    ...(facts.hasUsage && {
      usage: { inputTokens, outputTokens, ...(model !== undefined && { model }) },
    }),
  }
}

type Verdict = Pick<SpanExplanation, 'counted' | 'reason' | 'text'>

function verdictOn(node: SpanNode, facts: SpanFacts): Verdict {
  if (!node.ended) return no('still_open', 'It has not ended; spans are counted at their end.')
  if (facts.role === 'never')
    return no('describes_a_call', 'It says something about a call that another span stands for.')
  const above = callAbove(node)
  if (above !== undefined && (facts.role === 'leaf' || facts.hasUsage))
    return no('call_above_stands_for_it', `The model call "${above.span.name}" around it stands for the same call.`)
  if (node.repeatedName !== undefined)
    return no('call_beside_stands_for_it', `The model call "${node.repeatedName}" beside it is the same call.`)
  if (facts.role === 'tool' && isSameToolAsAbove(node))
    return no('tool_above_stands_for_it', 'A tool span of the same name around it stands for the same call.')
  if (facts.role === 'leaf') return verdictOnCall(node, facts)
  if (node.counted && node.revocable !== undefined)
    return yes('stands_for_calls_below', 'It reports usage, and nothing below it does.')
  if (hasUsageBelow(node) && (facts.hasUsage || node.selfReported !== undefined))
    return no('usage_below', 'Spans below it report the usage that it repeats.')
  if (facts.role === 'tool') return yes('tool_call', 'It is a tool call.')
  return no('no_call', 'It is neither a model call nor a tool call, and reports no usage.')
}

function verdictOnCall(node: SpanNode, facts: SpanFacts): Verdict {
  if (facts.hasUsage) return yes('model_call', 'It is a model call that reports its usage.')
  return node.counted && node.revocable !== undefined
    ? yes('call_without_usage', 'It is a model call; nobody below it says what it used.')
    : no('usage_below', 'It says nothing of its usage; a span below it stands for the call.')
}

function yes(reason: CountReason, text: string): Verdict {
  return { counted: true, reason, text }
}

function no(reason: CountReason, text: string): Verdict {
  return { counted: false, reason, text }
}

function read(span: ReadableSpanLike): SpanFacts {
  return readSpan(span.name, span.attributes, span.instrumentationScope?.name)
}

function isReadable(span: object): span is ReadableSpanLike {
  const { name, attributes } = span as Partial<ReadableSpanLike>
  return typeof name === 'string' && typeof attributes === 'object' && attributes !== null
}
