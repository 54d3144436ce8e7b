import type { Attributes } from '@opentelemetry/api'

import {
  ATTR_PREFIX_RUNSPAN_LATE,
  ATTR_RUNSPAN_CALLS_LLM,
  ATTR_RUNSPAN_CALLS_TOOL,
  ATTR_RUNSPAN_CALLS_UNPRICED,
  ATTR_RUNSPAN_COST_NANO_USD,
  ATTR_RUNSPAN_COST_PRICE_TABLE,
  ATTR_RUNSPAN_COST_SOURCE,
  ATTR_RUNSPAN_COST_UNPRICED_MODELS,
  ATTR_RUNSPAN_COST_USD,
  ATTR_RUNSPAN_ERRORS,
  ATTR_RUNSPAN_RETRIES,
  ATTR_RUNSPAN_ROLLUP_CARRIED_USAGE,
  ATTR_RUNSPAN_ROLLUP_COMPLETE,
  ATTR_RUNSPAN_ROLLUP_INCOMPLETE_REASONS,
  ATTR_RUNSPAN_ROLLUP_OPEN_SPANS,
  ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENT_IDS,
  ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENTS,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS,
  ATTR_RUNSPAN_SPANS,
  ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS,
} from '../attributes.ts'
import type { IncompleteReason } from '../run/part-totals.ts'
import { hasNumbers } from './call-sums.ts'
import type { RemoteParts } from './remote-parts.ts'
import type { Sums } from './sums.ts'

/** What a rollup sums up: filter by it before adding rollups. An agent's is part of its run's or segment's. */
export type RollupScope = 'run' | 'segment' | 'agent'

/** What stands beside the sums. */
export interface RollupFacts {
  readonly scope: RollupScope | 'checkpoint'
  readonly complete: boolean
  readonly openSpans: number
  readonly priceTable: string | undefined
}

/**
 * Writes a rollup. Zero details are left out: where `complete` is present an absent count is 0, an absent cost unpriced.
 *
 * Each key has a line of its own: a store whose key varies turns the attributes of every root into a dictionary.
 */
export function writeRollup(attributes: Attributes, sums: Sums, facts: RollupFacts): void {
  if (sums.llmCalls !== 0) writeCalls(attributes, sums, facts.priceTable)
  if (sums.toolCalls !== 0) attributes[ATTR_RUNSPAN_CALLS_TOOL] = sums.toolCalls
  if (sums.errors !== 0) attributes[ATTR_RUNSPAN_ERRORS] = sums.errors
  if (sums.suppressed !== 0) attributes[ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS] = sums.suppressed
  if (sums.carried !== 0) attributes[ATTR_RUNSPAN_ROLLUP_CARRIED_USAGE] = sums.carried
  if (sums.retries !== 0) attributes[ATTR_RUNSPAN_RETRIES] = sums.retries
  if (facts.openSpans > 0) attributes[ATTR_RUNSPAN_ROLLUP_OPEN_SPANS] = facts.openSpans
  attributes[ATTR_RUNSPAN_SPANS] = sums.spans
  attributes[ATTR_RUNSPAN_ROLLUP_SCOPE] = facts.scope
  attributes[ATTR_RUNSPAN_ROLLUP_COMPLETE] = facts.complete
}

/** Writes what came home from other services, and why something may be missing. */
export function writeRemote(
  attributes: Attributes,
  remote: RemoteParts | undefined,
  openSpans: number,
  ownReason?: IncompleteReason,
): void {
  if (remote === undefined && openSpans === 0 && ownReason === undefined) return
  const reasons: string[] = [...(openSpans > 0 ? ['open_spans'] : []), ...(remote?.reasons ?? [])]
  if (ownReason !== undefined) reasons.push(ownReason)
  if (reasons.length > 0) attributes[ATTR_RUNSPAN_ROLLUP_INCOMPLETE_REASONS] = reasons
  const segmentIds = remote?.segmentIds ?? []
  if (segmentIds.length === 0) return
  attributes[ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENTS] = segmentIds.length
  attributes[ATTR_RUNSPAN_ROLLUP_REMOTE_SEGMENT_IDS] = [...segmentIds]
}

function writeCalls(attributes: Attributes, sums: Sums, priceTable: string | undefined): void {
  attributes[ATTR_RUNSPAN_CALLS_LLM] = sums.llmCalls
  if (sums.input !== 0) attributes[ATTR_RUNSPAN_USAGE_INPUT_TOKENS] = sums.input
  if (sums.output !== 0) attributes[ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS] = sums.output
  if (sums.cacheRead !== 0) attributes[ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS] = sums.cacheRead
  if (sums.cacheWrite !== 0) attributes[ATTR_RUNSPAN_USAGE_CACHE_WRITE_INPUT_TOKENS] = sums.cacheWrite
  if (sums.reasoning !== 0) attributes[ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS] = sums.reasoning
  if (sums.unpriced !== 0) attributes[ATTR_RUNSPAN_CALLS_UNPRICED] = sums.unpriced
  if (sums.unpricedModels !== undefined) {
    const names = sums.unpricedModels.names()
    if (names.length > 0) attributes[ATTR_RUNSPAN_COST_UNPRICED_MODELS] = names
  }
  attributes[ATTR_RUNSPAN_COST_SOURCE] = costSource(sums)
  if (sums.reported + sums.priced === 0 && sums.nanoUsd === 0) return
  attributes[ATTR_RUNSPAN_COST_USD] = sums.nanoUsd / 1e9
  attributes[ATTR_RUNSPAN_COST_NANO_USD] = sums.nanoUsd
  if (sums.priced !== 0 && priceTable !== undefined) attributes[ATTR_RUNSPAN_COST_PRICE_TABLE] = priceTable
}

/** What a rollup says of itself that can still be added to. */
const lateRollupKeys: ReadonlySet<string> = new Set([
  ATTR_RUNSPAN_ROLLUP_SUPPRESSED_SPANS,
  ATTR_RUNSPAN_ROLLUP_CARRIED_USAGE,
])

/** The numbers of an amendment: what came after the rollup, under `runspan.late.`. They may be negative. */
export function lateAttributes(sums: Sums): Attributes {
  const plain: Attributes = {}
  // Late calls may replace as many that were counted in their stead: their number alone says nothing.
  if (sums.llmCalls === 0 && hasNumbers(sums)) writeCalls(plain, sums, undefined)
  writeRollup(plain, sums, { scope: 'run', complete: false, openSpans: 0, priceTable: undefined })
  const late: Attributes = {}
  for (const [key, value] of Object.entries(plain)) {
    if (!key.startsWith('runspan.rollup.') || lateRollupKeys.has(key)) {
      late[ATTR_PREFIX_RUNSPAN_LATE + key.slice('runspan.'.length)] = value
    }
  }
  return late
}

function costSource(sums: Sums): string {
  const sources = Number(sums.reported > 0) + Number(sums.priced > 0) + Number(sums.unpriced > 0)
  if (sources > 1) return 'mixed'
  return sums.reported > 0 ? 'reported' : sums.priced > 0 ? 'priced' : 'unpriced'
}
