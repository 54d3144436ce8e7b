/** Usage that a producer wrote as one JSON string. */
export interface MappedUsage {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly cacheRead: number | undefined
  readonly cacheWrite: number | undefined
  readonly reasoning: number | undefined
}

/** Reads a map of numbers under the names that Langfuse, LangSmith and MLflow use inside theirs. */
export function readUsageMap(text: unknown): MappedUsage {
  const map = parsed(text) ?? {}
  return {
    input: pick(map, 'input', 'input_tokens', 'promptTokens', 'inputTokens'),
    output: pick(map, 'output', 'output_tokens', 'completionTokens', 'outputTokens'),
    cacheRead: pick(map, 'cache_read_input_tokens', 'input_cached_tokens', 'cacheReadTokens'),
    cacheWrite: pick(map, 'cache_creation_input_tokens', 'cacheWriteTokens'),
    reasoning: pick(map, 'output_reasoning_tokens', 'reasoningTokens'),
  }
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

function pick(map: Readonly<Record<string, unknown>>, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = countOf(map[name])
    if (value !== undefined) return value
  }
  return undefined
}

function parsed(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'string') return undefined
  try {
    const map: unknown = JSON.parse(value)
    return typeof map === 'object' && map !== null ? (map as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
