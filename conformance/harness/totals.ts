import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'

import type { Numbers } from './bill.ts'

/** What Runspan wrote onto the root of a case, amendments added. */
export interface Totals extends Numbers {
  readonly unpriced: number
  readonly suppressed: number
  /** Spans that were open when the totals were written, and did not end later. */
  readonly openSpans: number
}

/**
 * Reads totals from exported spans as `docs/rollup.md` tells readers to: the root of the run, or the topmost agents where
 * there is no run, and what came late.
 */
export function readTotals(spans: readonly ReadableSpan[], scope: 'run' | 'agent' = 'run'): Totals {
  const roots =
    scope === 'agent'
      ? topmostAgents(spans)
      : spans.filter(({ attributes }) => attributes['runspan.rollup.scope'] === 'run')
  const sum = (key: string) =>
    roots.reduce((total, { attributes }) => {
      const late = attributes[`runspan.late.${key}`]
      const settled = attributes[`runspan.${key}`]
      return total + (typeof settled === 'number' ? settled : 0) + (typeof late === 'number' ? late : 0)
    }, 0)
  return {
    calls: sum('calls.llm'),
    input: sum('usage.input_tokens'),
    output: sum('usage.output_tokens'),
    cacheRead: sum('usage.cache_read.input_tokens'),
    cacheWrite: sum('usage.cache_write.input_tokens'),
    reasoning: sum('usage.reasoning.output_tokens'),
    toolCalls: sum('calls.tool'),
    nanoUsd: sum('cost.nano_usd'),
    unpriced: sum('calls.unpriced'),
    suppressed: sum('rollup.suppressed_spans'),
    openSpans: Math.max(
      0,
      sum('rollup.open_spans') -
        spans.reduce((late, { attributes }) => late + Number(attributes['runspan.late.spans'] ?? 0), 0),
    ),
  }
}

function isAdopted({ attributes }: ReadableSpan): boolean {
  return attributes['runspan.adopted'] === true
}

/** Agents that nobody wrapped and that no other such agent is around, and their amendments. */
function topmostAgents(spans: readonly ReadableSpan[]): readonly ReadableSpan[] {
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]))
  const parentOf = ({ parentSpanContext }: ReadableSpan) => byId.get(parentSpanContext?.spanId ?? '')
  const isTopmost = (span: ReadableSpan) => {
    for (let above = parentOf(span); above !== undefined; above = parentOf(above)) if (isAdopted(above)) return false
    return isAdopted(span)
  }
  const agents = spans.filter(isTopmost)
  return [...agents, ...spans.filter((span) => span.name === 'runspan amendment' && agents.includes(parentOf(span)!))]
}

const inputKeys = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.token_count.prompt',
  'ai.usage.inputTokens',
  'ai.usage.promptTokens',
  'ai.usage.tokens',
  'input_tokens',
]
const outputKeys = [
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.completion_tokens',
  'llm.token_count.completion',
  'ai.usage.outputTokens',
  'ai.usage.completionTokens',
  'output_tokens',
]

/** What a backend shows that adds usage up over all spans: per span the first of the usual keys. */
export function naiveSum(spans: readonly ReadableSpan[]): { readonly input: number; readonly output: number } {
  const sum = (keys: readonly string[], inMap: readonly string[]) =>
    spans.reduce((total, { attributes }) => {
      const own = keys.map((key) => attributes[key]).find((value) => value !== undefined)
      return total + Number(own ?? fromMap(attributes['langfuse.observation.usage_details'], inMap) ?? 0)
    }, 0)
  return { input: sum(inputKeys, ['input', 'promptTokens']), output: sum(outputKeys, ['output', 'completionTokens']) }
}

function fromMap(text: unknown, names: readonly string[]): number | undefined {
  if (typeof text !== 'string') return undefined
  const map = JSON.parse(text) as Record<string, number>
  return names.map((name) => map[name]).find((value) => value !== undefined)
}
