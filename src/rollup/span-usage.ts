import type { Attributes } from '@opentelemetry/api'

import {
  ALIAS_COST_CURRENCY,
  ALIASES_OF_CLAUDE_CODE,
  ALIASES_OF_MODEL,
  ALIASES_OF_PROVIDER,
  ALIASES_OF_USAGE,
  ALIASES_OF_USAGE_MAPS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_RUNSPAN_CALL_COST_NANO_USD,
} from '../attributes.ts'

/** What one span says of tokens and cost. Details are parts of the totals. */
export interface SpanUsage {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  reasoning: number
  /** Billionths of a US dollar, where the producer reported a cost. */
  reportedNanoUsd: number | undefined
}

/**
 * Reads a span's usage, whoever wrote it: one alias per number, the first present wins, so that a span which repeats
 * itself under several names (Strands does) is read once.
 *
 * @returns `undefined` where the span reports none
 */
export function usageOf(name: string, attributes: Attributes): SpanUsage | undefined {
  if (name.startsWith('claude_code.')) return claudeCode(attributes)
  let input = count(attributes[ATTR_GEN_AI_USAGE_INPUT_TOKENS])
  let output = count(attributes[ATTR_GEN_AI_USAGE_OUTPUT_TOKENS])
  if (input === undefined && output === undefined) {
    input = first(attributes, ALIASES_OF_USAGE.input)
    output = first(attributes, ALIASES_OF_USAGE.output)
  } else {
    input ??= first(attributes, ALIASES_OF_USAGE.input)
    output ??= first(attributes, ALIASES_OF_USAGE.output)
  }
  const reportedNanoUsd = reportedCost(attributes)
  if (input === undefined && output === undefined) {
    const mapped = fromMaps(attributes)
    if (mapped !== undefined) return { ...mapped, reportedNanoUsd: mapped.reportedNanoUsd ?? reportedNanoUsd }
    // A total alone says nothing about its parts; it is taken as input, which is the cheaper guess.
    input = first(attributes, ALIASES_OF_USAGE.total)
    if (input === undefined && reportedNanoUsd === undefined) return undefined
  }
  return {
    input: input ?? 0,
    output: output ?? 0,
    cacheRead: first(attributes, ALIASES_OF_USAGE.cacheRead) ?? 0,
    cacheWrite: first(attributes, ALIASES_OF_USAGE.cacheWrite) ?? 0,
    reasoning: first(attributes, ALIASES_OF_USAGE.reasoning) ?? 0,
    reportedNanoUsd,
  }
}

/** The model a span is about, the answering one first. */
export function modelOf(attributes: Attributes): string | undefined {
  return firstText(attributes, ALIASES_OF_MODEL) ?? text(attributes[ALIASES_OF_CLAUDE_CODE.model])
}

/** Who serves it. */
export function providerOf(attributes: Attributes): string | undefined {
  return firstText(attributes, ALIASES_OF_PROVIDER)
}

function claudeCode(attributes: Attributes): SpanUsage | undefined {
  const input = count(attributes[ALIASES_OF_CLAUDE_CODE.input])
  const output = count(attributes[ALIASES_OF_CLAUDE_CODE.output])
  const cacheRead = count(attributes[ALIASES_OF_CLAUDE_CODE.cacheRead]) ?? 0
  const cacheWrite = count(attributes[ALIASES_OF_CLAUDE_CODE.cacheWrite]) ?? 0
  if (input === undefined && output === undefined) return undefined
  return {
    input: (input ?? 0) + cacheRead + cacheWrite,
    output: output ?? 0,
    cacheRead,
    cacheWrite,
    reasoning: 0,
    reportedNanoUsd: reportedCost(attributes),
  }
}

function reportedCost(attributes: Attributes): number | undefined {
  const own = count(attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD])
  if (own !== undefined) return own
  const currency = attributes[ALIAS_COST_CURRENCY]
  if (currency !== undefined && currency !== 'USD') return undefined
  for (const key of ALIASES_OF_USAGE.costUsd) {
    const usd = attributes[key]
    if (typeof usd === 'number' && usd >= 0 && Number.isFinite(usd)) return Math.round(usd * 1e9)
  }
  return undefined
}

/** Producers that put their usage into one JSON string. */
function fromMaps(attributes: Attributes): SpanUsage | undefined {
  const map =
    parsed(attributes[ALIASES_OF_USAGE_MAPS.langfuse]) ??
    parsed(attributes[ALIASES_OF_USAGE_MAPS.langsmith]) ??
    parsed(attributes[ALIASES_OF_USAGE_MAPS.mlflow])
  if (map === undefined) return undefined
  const pick = (...names: readonly string[]): number | undefined => {
    for (const name of names) {
      const value = count(map[name])
      if (value !== undefined) return value
    }
    return undefined
  }
  const input = pick('input', 'input_tokens', 'promptTokens', 'inputTokens')
  const output = pick('output', 'output_tokens', 'completionTokens', 'outputTokens')
  if (input === undefined && output === undefined) return undefined
  const cost = parsed(attributes[ALIASES_OF_USAGE_MAPS.langfuseCost])
  const usd = cost?.['total'] ?? cost?.['totalCost']
  return {
    input: input ?? 0,
    output: output ?? 0,
    cacheRead: pick('cache_read_input_tokens', 'input_cached_tokens', 'cacheReadTokens') ?? 0,
    cacheWrite: pick('cache_creation_input_tokens', 'cacheWriteTokens') ?? 0,
    reasoning: pick('output_reasoning_tokens', 'reasoningTokens') ?? 0,
    reportedNanoUsd: typeof usd === 'number' && usd >= 0 ? Math.round(usd * 1e9) : undefined,
  }
}

function parsed(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'string') return undefined
  try {
    const map: unknown = JSON.parse(value)
    return typeof map === 'object' && map !== null ? (map as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function first(attributes: Attributes, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = count(attributes[key])
    if (value !== undefined) return value
  }
  return undefined
}

/** Some producers write counts as strings or doubles; anything that is no count is as if it were absent. */
function count(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? Math.round(number) : undefined
}

function firstText(attributes: Attributes, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = text(attributes[key])
    if (value !== undefined) return value
  }
  return undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
