import type { Attributes } from '@opentelemetry/api'

import { ALIASES_OF_USAGE_MAPS } from '../attributes.ts'
import type { UsageDetails } from '../run/types.ts'

/** Usage that a producer wrote as one JSON string. Cached parts are in the input, reasoning is in the output. */
interface MappedUsage {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly cacheRead: number | undefined
  readonly cacheWrite: number | undefined
  readonly reasoning: number | undefined
  readonly details: UsageDetails | undefined
}

type Counts = Readonly<Record<string, unknown>>

const nothing: MappedUsage = {
  input: undefined,
  output: undefined,
  cacheRead: undefined,
  cacheWrite: undefined,
  reasoning: undefined,
  details: undefined,
}

/** What producers put into one JSON string: per number, the first map that has it. */
export function readUsageMaps(attributes: Attributes): MappedUsage {
  const { langfuse, langsmith, mlflow } = ALIASES_OF_USAGE_MAPS
  const first = readLangfuseUsage(attributes[langfuse])
  const second = readLangsmithUsage(attributes[langsmith])
  const third = readMlflowUsage(attributes[mlflow])
  return {
    input: first.input ?? second.input ?? third.input,
    output: first.output ?? second.output ?? third.output,
    cacheRead: first.cacheRead ?? second.cacheRead ?? third.cacheRead,
    cacheWrite: first.cacheWrite ?? second.cacheWrite ?? third.cacheWrite,
    reasoning: first.reasoning ?? second.reasoning ?? third.reasoning,
    details: first.details ?? second.details ?? third.details,
  }
}

/**
 * Langfuse's `usage_details`. Each of its names is a bucket of its own, so that `input` is what is left of the input when
 * the buckets beside it (`input_cached_tokens`, `cache_read_input_tokens` …) are taken out. A map whose total says
 * otherwise is believed: its details are parts of the input.
 */
function readLangfuseUsage(text: unknown): MappedUsage {
  const map = parsed(text)
  if (map === undefined) return nothing
  const input = pick(map, 'input', 'promptTokens', 'input_tokens', 'inputTokens')
  const output = pick(map, 'output', 'completionTokens', 'output_tokens', 'outputTokens')
  const total = pick(map, 'total', 'totalTokens', 'total_tokens')
  const inputBeside = sumOf(map, /^(?:input_(?!tokens$)|cache_)/)
  const outputBeside = sumOf(map, /^output_(?!tokens$)/)
  const isInclusive = total !== undefined && total === (input ?? 0) + (output ?? 0)
  return {
    input: withBeside(input, isInclusive ? 0 : inputBeside),
    output: withBeside(output, isInclusive ? 0 : outputBeside),
    cacheRead: pick(map, 'input_cached_tokens', 'input_cache_read', 'cache_read_input_tokens', 'cacheReadTokens'),
    cacheWrite: pick(map, 'input_cache_creation', 'cache_creation_input_tokens', 'cacheWriteTokens'),
    reasoning: pick(map, 'output_reasoning_tokens', 'output_reasoning', 'reasoningTokens'),
    details: detailsOf(
      pick(map, 'input_cache_creation_1h', 'input_ephemeral_1h_input_tokens'),
      pick(map, 'input_audio_tokens', 'input_audio'),
      pick(map, 'output_audio_tokens', 'output_audio'),
    ),
  }
}

/** LangSmith's `usage_metadata`, and LangChain's: details are parts of the totals. */
function readLangsmithUsage(text: unknown): MappedUsage {
  const map = parsed(text)
  if (map === undefined) return nothing
  const input = asCounts(map['input_token_details'])
  const output = asCounts(map['output_token_details'])
  const write1h = pick(input, 'ephemeral_1hr_input_tokens', 'ephemeral_1h_input_tokens')
  const write5m = pick(input, 'ephemeral_5m_input_tokens')
  return {
    input: pick(map, 'input_tokens'),
    output: pick(map, 'output_tokens'),
    cacheRead: pick(input, 'cache_read'),
    // Beside its parts LangChain writes the whole, or a zero.
    cacheWrite: pick(input, 'cache_creation') || withBeside(write5m, write1h ?? 0),
    reasoning: pick(output, 'reasoning'),
    details: detailsOf(write1h, pick(input, 'audio'), pick(output, 'audio')),
  }
}

/** MLflow's `tokenUsage`. */
function readMlflowUsage(text: unknown): MappedUsage {
  const map = parsed(text)
  if (map === undefined) return nothing
  return {
    ...nothing,
    input: pick(map, 'input_tokens'),
    output: pick(map, 'output_tokens'),
    cacheRead: pick(map, 'cache_read_input_tokens'),
    cacheWrite: pick(map, 'cache_creation_input_tokens'),
  }
}

function detailsOf(
  cacheWrite1hInputTokens: number | undefined,
  audioInputTokens: number | undefined,
  audioOutputTokens: number | undefined,
): UsageDetails | undefined {
  if (!cacheWrite1hInputTokens && !audioInputTokens && !audioOutputTokens) return undefined
  return {
    cacheWrite1hInputTokens: cacheWrite1hInputTokens ?? 0,
    audioInputTokens: audioInputTokens ?? 0,
    audioOutputTokens: audioOutputTokens ?? 0,
  }
}

function withBeside(count: number | undefined, beside: number): number | undefined {
  return count === undefined && beside === 0 ? undefined : (count ?? 0) + beside
}

function sumOf(map: Counts, names: RegExp): number {
  let sum = 0
  for (const [name, value] of Object.entries(map)) if (names.test(name)) sum += countOf(value) ?? 0
  return sum
}

/** The most that is taken for a price of one call: beyond it billionths of a dollar do not add up exactly. */
const mostUsd = 9e6

/** US dollars: a number, or a JSON map with a total of them. */
export function usdOf(value: unknown): number | undefined {
  const map = parsed(value)
  const usd = map === undefined ? value : (map['total'] ?? map['totalCost'] ?? map['total_cost'])
  return typeof usd === 'number' && usd >= 0 && usd < mostUsd ? usd : undefined
}

/**
 * A count as producers write it: some as text or as a double; anything that is no count is as if it were absent.
 */
export function countOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? Math.round(number) : undefined
}

function pick(map: Counts | undefined, ...names: readonly string[]): number | undefined {
  if (map === undefined) return undefined
  for (const name of names) {
    const value = countOf(map[name])
    if (value !== undefined) return value
  }
  return undefined
}

function asCounts(value: unknown): Counts | undefined {
  return typeof value === 'object' && value !== null ? (value as Counts) : undefined
}

function parsed(value: unknown): Counts | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return asCounts(JSON.parse(value))
  } catch {
    return undefined
  }
}
