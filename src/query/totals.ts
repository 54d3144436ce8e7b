import {
  ATTR_PREFIX_RUNSPAN_LATE,
  ATTR_RUNSPAN_CALLS_LLM,
  ATTR_RUNSPAN_CALLS_TOOL,
  ATTR_RUNSPAN_CALLS_UNPRICED,
  ATTR_RUNSPAN_COST_NANO_USD,
  ATTR_RUNSPAN_COST_SOURCE,
  ATTR_RUNSPAN_COST_USD,
  ATTR_RUNSPAN_ERRORS,
  ATTR_RUNSPAN_ROLLUP_COMPLETE,
  ATTR_RUNSPAN_SPANS,
  ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS,
} from '../attributes.ts'
import { tokenTotals } from '../rollup/call-sums.ts'
import type { Subtotal } from '../run/run-tally.ts'
import { integerAt, numberAt, textAt } from './attribute-values.ts'
import type { StoredAttributes } from './stored-span.ts'

/** Where a cost comes from: the producer said it, a price table did, both, or nobody knows it. */
export type CostSource = 'reported' | 'priced' | 'mixed' | 'unpriced'

/** Sums over a part of a run, a run, or a family. The words mean what they mean in `run.totals`. */
export interface Totals {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number
  /** All output tokens, reasoning included. */
  readonly outputTokens: number
  /** Part of the input. */
  readonly cacheReadInputTokens: number
  /** Part of the input. */
  readonly cacheWriteInputTokens: number
  /** Part of the output. */
  readonly reasoningOutputTokens: number
  /** Billionths of a US dollar, exact; `undefined` where nothing could be priced, which is not the same as 0. */
  readonly costNanoUsd: bigint | undefined
  /** `undefined` where there was no model call. */
  readonly costSource: CostSource | undefined
  /** Model calls, each once, failed ones included. */
  readonly llmCalls: number
  /** Model calls whose cost is in no sum: where there are any, the cost is a lower bound. */
  readonly unpricedCalls: number
  /** Tool calls, failed ones included. */
  readonly toolCalls: number
  /** Failures, each counted on the innermost span that reports it. */
  readonly errors: number
  /** Spans that were counted. */
  readonly spans: number
}

/** The totals of nothing. */
export const noTotals: Totals = Object.freeze({
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheWriteInputTokens: 0,
  reasoningOutputTokens: 0,
  costNanoUsd: undefined,
  costSource: undefined,
  llmCalls: 0,
  unpricedCalls: 0,
  toolCalls: 0,
  errors: 0,
  spans: 0,
})

/**
 * The rollup that a root carries.
 *
 * @returns `undefined` where it carries none: its process has no `RunRollupProcessor`
 */
export function rollupOf(attributes: StoredAttributes): Totals | undefined {
  return ATTR_RUNSPAN_ROLLUP_COMPLETE in attributes ? read(attributes, (key) => key) : undefined
}

/** The numbers that an amendment adds to the rollup of the part it belongs to. */
export function lateTotalsOf(attributes: StoredAttributes): Totals {
  return read(attributes, (key) => ATTR_PREFIX_RUNSPAN_LATE + key.slice('runspan.'.length))
}

function read(attributes: StoredAttributes, keyOf: (key: string) => string): Totals {
  // An absent count is 0, an absent cost is unpriced: writers leave zeros out.
  const count = (key: string): number => numberAt(attributes, keyOf(key)) ?? 0
  const usd = numberAt(attributes, keyOf(ATTR_RUNSPAN_COST_USD))
  return {
    inputTokens: count(ATTR_RUNSPAN_USAGE_INPUT_TOKENS),
    outputTokens: count(ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS),
    cacheReadInputTokens: count(ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS),
    cacheWriteInputTokens: count(ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS),
    reasoningOutputTokens: count(ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS),
    costNanoUsd:
      integerAt(attributes, keyOf(ATTR_RUNSPAN_COST_NANO_USD)) ??
      (usd === undefined ? undefined : BigInt(Math.round(usd * 1e9))),
    costSource: costSourceOf(textAt(attributes, keyOf(ATTR_RUNSPAN_COST_SOURCE))),
    llmCalls: count(ATTR_RUNSPAN_CALLS_LLM),
    unpricedCalls: count(ATTR_RUNSPAN_CALLS_UNPRICED),
    toolCalls: count(ATTR_RUNSPAN_CALLS_TOOL),
    errors: count(ATTR_RUNSPAN_ERRORS),
    spans: count(ATTR_RUNSPAN_SPANS),
  }
}

function costSourceOf(text: string | undefined): CostSource | undefined {
  return text === 'reported' || text === 'priced' || text === 'mixed' || text === 'unpriced' ? text : undefined
}

/** Sums of the rollup's rules as readers have them. */
export function totalsOfSubtotal(sums: Subtotal): Totals {
  return {
    ...tokenTotals(sums),
    costNanoUsd: sums.reported === 0 && sums.priced === 0 ? undefined : BigInt(Math.round(sums.nanoUsd)),
    costSource: sourceOf(sums),
    llmCalls: sums.llmCalls,
    unpricedCalls: sums.unpriced,
    toolCalls: sums.toolCalls,
    errors: sums.errors,
    spans: sums.spans,
  }
}

/** As rollups have it, which say of a failed call without usage, too, that nobody knows its cost. */
function sourceOf({ reported, priced, unpriced, llmCalls }: Subtotal): CostSource | undefined {
  const counts = { reported, priced, unpriced }
  const sources = (['reported', 'priced', 'unpriced'] as const).filter((source) => counts[source] !== 0)
  return sources.length > 1 ? 'mixed' : (sources[0] ?? (llmCalls === 0 ? undefined : 'unpriced'))
}

/** Adds parts up that have no span in common. */
export function sumOf(parts: Iterable<Totals>): Totals {
  let sum = noTotals
  for (const part of parts) sum = plus(sum, part)
  return sum
}

function plus(a: Totals, b: Totals): Totals {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadInputTokens: a.cacheReadInputTokens + b.cacheReadInputTokens,
    cacheWriteInputTokens: a.cacheWriteInputTokens + b.cacheWriteInputTokens,
    reasoningOutputTokens: a.reasoningOutputTokens + b.reasoningOutputTokens,
    costNanoUsd:
      a.costNanoUsd === undefined && b.costNanoUsd === undefined
        ? undefined
        : (a.costNanoUsd ?? 0n) + (b.costNanoUsd ?? 0n),
    costSource: a.costSource === b.costSource ? a.costSource : bothSources(a.costSource, b.costSource),
    llmCalls: a.llmCalls + b.llmCalls,
    unpricedCalls: a.unpricedCalls + b.unpricedCalls,
    toolCalls: a.toolCalls + b.toolCalls,
    errors: a.errors + b.errors,
    spans: a.spans + b.spans,
  }
}

function bothSources(a: CostSource | undefined, b: CostSource | undefined): CostSource | undefined {
  return a === undefined ? b : b === undefined ? a : 'mixed'
}
