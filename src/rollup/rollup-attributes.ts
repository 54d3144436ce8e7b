import type { Attributes } from '@opentelemetry/api'

import {
  ATTR_PREFIX_RUNSPAN_LATE,
  ATTR_RUNSPAN_CALLS_LLM,
  ATTR_RUNSPAN_CALLS_TOOL,
  ATTR_RUNSPAN_CALLS_UNPRICED,
  ATTR_RUNSPAN_COST_NANO_USD,
  ATTR_RUNSPAN_COST_PRICE_TABLE,
  ATTR_RUNSPAN_COST_SOURCE,
  ATTR_RUNSPAN_COST_USD,
  ATTR_RUNSPAN_ERRORS,
  ATTR_RUNSPAN_ROLLUP_COMPLETE,
  ATTR_RUNSPAN_ROLLUP_OPEN_SPANS,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS,
  ATTR_RUNSPAN_SPANS,
  ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS,
} from '../attributes.ts'
import type { Sums } from './sums.ts'

/** What a rollup sums up: filter by it before adding rollups. An agent's is part of its run's or segment's. */
export type RollupScope = 'run' | 'segment' | 'agent'

/** What stands beside the sums. */
export interface RollupFacts {
  readonly scope: RollupScope
  readonly complete: boolean
  readonly openSpans: number
  readonly priceTable: string | undefined
}

/** Writes a rollup. Zero details are left out: where `complete` is present an absent count is 0, an absent cost unpriced. */
export function writeRollup(attributes: Attributes, sums: Sums, facts: RollupFacts): void {
  writeSums(attributes, sums, '')
  if (sums.priced > 0 && facts.priceTable !== undefined) attributes[ATTR_RUNSPAN_COST_PRICE_TABLE] = facts.priceTable
  if (facts.openSpans > 0) attributes[ATTR_RUNSPAN_ROLLUP_OPEN_SPANS] = facts.openSpans
  attributes[ATTR_RUNSPAN_ROLLUP_SCOPE] = facts.scope
  attributes[ATTR_RUNSPAN_ROLLUP_COMPLETE] = facts.complete
}

/** The numbers of an amendment: what came after the rollup, under `runspan.late.`. */
export function lateAttributes(sums: Sums): Attributes {
  const attributes: Attributes = {}
  writeSums(attributes, sums, ATTR_PREFIX_RUNSPAN_LATE)
  return attributes
}

function writeSums(attributes: Attributes, sums: Sums, prefix: string): void {
  if (sums.llmCalls !== 0) {
    put(attributes, prefix, ATTR_RUNSPAN_USAGE_INPUT_TOKENS, sums.input)
    put(attributes, prefix, ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS, sums.output)
    put(attributes, prefix, ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS, sums.cacheRead)
    put(attributes, prefix, ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS, sums.cacheWrite)
    put(attributes, prefix, ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS, sums.reasoning)
    put(attributes, prefix, ATTR_RUNSPAN_CALLS_LLM, sums.llmCalls)
    put(attributes, prefix, ATTR_RUNSPAN_CALLS_UNPRICED, sums.unpriced)
    attributes[keyOf(prefix, ATTR_RUNSPAN_COST_SOURCE)] = costSource(sums)
    if (sums.reported + sums.priced > 0) {
      attributes[keyOf(prefix, ATTR_RUNSPAN_COST_USD)] = sums.nanoUsd / 1e9
      attributes[keyOf(prefix, ATTR_RUNSPAN_COST_NANO_USD)] = sums.nanoUsd
    }
  }
  put(attributes, prefix, ATTR_RUNSPAN_CALLS_TOOL, sums.toolCalls)
  put(attributes, prefix, ATTR_RUNSPAN_ERRORS, sums.errors)
  put(attributes, prefix, ATTR_RUNSPAN_SPANS, sums.spans)
  put(attributes, prefix, ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS, sums.suppressed)
}

function put(attributes: Attributes, prefix: string, key: string, value: number): void {
  if (value !== 0) attributes[keyOf(prefix, key)] = value
}

function keyOf(prefix: string, key: string): string {
  return prefix === '' ? key : prefix + key.slice('runspan.'.length)
}

function costSource(sums: Sums): string {
  const sources = Number(sums.reported > 0) + Number(sums.priced > 0) + Number(sums.unpriced > 0)
  if (sources > 1) return 'mixed'
  return sums.reported > 0 ? 'reported' : sums.priced > 0 ? 'priced' : 'unpriced'
}
