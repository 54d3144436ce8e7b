import { asFields, count, foundDetails, someOf, text, type Fields, type ReadUsage } from './answer-fields.ts'
import { serviceTierOf } from './service-tier.ts'

/** Anthropic's messages: cached input stands beside the input. `undefined` where the usage is somebody else's. */
export function readAnthropicUsage(usage: Fields): ReadUsage | undefined {
  const read = count(usage['cache_read_input_tokens'])
  const write = count(usage['cache_creation_input_tokens'])
  // Nobody else says the tier there.
  if (read === undefined && write === undefined && text(usage['service_tier']) === undefined) return undefined
  const iterations = usage['iterations']
  const compactions = Array.isArray(iterations) ? iterations.map(asFields).filter(isCompaction) : []
  return compactions.length === 0 ? readOne(usage) : sumOf([usage, ...compactions])
}

/** What compacting the context took stands in none of the totals. */
function isCompaction(iteration: Fields | undefined): iteration is Fields {
  return iteration?.['type'] === 'compaction'
}

function readOne(usage: Fields): ReadUsage {
  const read = count(usage['cache_read_input_tokens'])
  const write = count(usage['cache_creation_input_tokens'])
  const input = count(usage['input_tokens'])
  const write1h = someOf(asFields(usage['cache_creation'])?.['ephemeral_1h_input_tokens'])
  const tier = tierOf(usage)
  return {
    inputTokens: input === undefined ? undefined : input + (read ?? 0) + (write ?? 0),
    outputTokens: count(usage['output_tokens']),
    cacheReadInputTokens: read,
    cacheWriteInputTokens: write,
    reasoningOutputTokens: count(asFields(usage['output_tokens_details'])?.['thinking_tokens']),
    details:
      write1h === undefined && tier === undefined
        ? undefined
        : foundDetails({ cacheWrite1hInputTokens: write1h, serviceTier: tier }),
  }
}

function sumOf([first, ...others]: readonly [Fields, ...Fields[]]): ReadUsage {
  const sum = readOne(first)
  const parts = others.map(readOne)
  const add = (of: (usage: ReadUsage) => number | undefined): number =>
    parts.reduce((total, part) => total + (of(part) ?? 0), of(sum) ?? 0)
  const write1h = add(({ details }) => details?.cacheWrite1hInputTokens)
  return {
    inputTokens: add(({ inputTokens }) => inputTokens),
    outputTokens: add(({ outputTokens }) => outputTokens),
    cacheReadInputTokens: add(({ cacheReadInputTokens }) => cacheReadInputTokens),
    cacheWriteInputTokens: add(({ cacheWriteInputTokens }) => cacheWriteInputTokens),
    reasoningOutputTokens: sum.reasoningOutputTokens,
    details: write1h === 0 ? sum.details : { ...sum.details, cacheWrite1hInputTokens: write1h },
  }
}

/** Fast mode has a price of its own, like a tier of service. */
function tierOf(usage: Fields): string | undefined {
  if (usage['speed'] === 'fast') return 'fast'
  const tier = text(usage['service_tier'])
  return tier === undefined || serviceTierOf(tier) === undefined ? undefined : tier
}

/** Bedrock's `Converse`: cached input stands beside the input. `undefined` where the usage is somebody else's. */
export function readBedrockUsage(usage: Fields): ReadUsage | undefined {
  const read = count(usage['cacheReadInputTokens'])
  const write = count(usage['cacheWriteInputTokens'])
  const input = count(usage['inputTokens'])
  if ((read === undefined && write === undefined) || input === undefined) return undefined
  const write1h = written1h(usage['cacheDetails'])
  return {
    inputTokens: input + (read ?? 0) + (write ?? 0),
    outputTokens: count(usage['outputTokens']),
    cacheReadInputTokens: read,
    cacheWriteInputTokens: write,
    details: write1h === 0 ? undefined : { cacheWrite1hInputTokens: write1h },
  }
}

function written1h(cacheDetails: unknown): number {
  if (!Array.isArray(cacheDetails)) return 0
  let tokens = 0
  for (const entry of cacheDetails) {
    const fields = asFields(entry)
    if (fields?.['ttl'] === '1h') tokens += count(fields['inputTokens']) ?? 0
  }
  return tokens
}
