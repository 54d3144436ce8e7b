import { asFields, count, foundDetails, someOf, text, type Fields, type ReadUsage } from './answer-fields.ts'
import { serviceTierOf } from './service-tier.ts'

/** Anthropic's messages: cached input stands beside the input. `undefined` where the usage is somebody else's. */
export function readAnthropicUsage(usage: Fields): ReadUsage | undefined {
  const read = count(usage['cache_read_input_tokens'])
  const write = count(usage['cache_creation_input_tokens'])
  if (read === undefined && write === undefined) return undefined
  const input = count(usage['input_tokens'])
  const write1h = someOf(asFields(usage['cache_creation'])?.['ephemeral_1h_input_tokens'])
  const tier = tierOf(usage)
  return {
    inputTokens: input === undefined ? undefined : input + (read ?? 0) + (write ?? 0),
    outputTokens: count(usage['output_tokens']),
    cacheReadInputTokens: read,
    cacheWriteInputTokens: write,
    details:
      write1h === undefined && tier === undefined
        ? undefined
        : foundDetails({ cacheWrite1hInputTokens: write1h, serviceTier: tier }),
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
