import { asFields, count, foundDetails, text, type Fields, type ReadUsage } from './answer-fields.ts'
import { serviceTierOf } from './service-tier.ts'
import type { UsageDetails } from './types.ts'

/** Google's `usageMetadata`, of `generateContent` and of live sessions: thoughts stand beside the output. */
export function readGoogleUsage(usage: Fields | undefined): ReadUsage | undefined {
  if (usage === undefined) return undefined
  const prompt = count(usage['promptTokenCount'])
  const candidates = count(usage['candidatesTokenCount']) ?? count(usage['responseTokenCount'])
  const thoughts = count(usage['thoughtsTokenCount'])
  if (prompt === undefined && candidates === undefined) return undefined
  return {
    inputTokens: prompt === undefined ? undefined : prompt + (count(usage['toolUsePromptTokenCount']) ?? 0),
    outputTokens: (candidates ?? 0) + (thoughts ?? 0),
    cacheReadInputTokens: count(usage['cachedContentTokenCount']),
    reasoningOutputTokens: thoughts,
    details: detailsOf(usage),
  }
}

/** Video and documents are not told apart: Google charges them as it does text and images. */
function detailsOf(usage: Fields): UsageDetails | undefined {
  const prompt = usage['promptTokensDetails']
  const answer = usage['candidatesTokensDetails'] ?? usage['responseTokensDetails']
  const tier = text(usage['serviceTier']) ?? text(usage['trafficType'])
  const serviceTier = tier === undefined || serviceTierOf(tier) === undefined ? undefined : tier
  if (prompt === undefined && answer === undefined && serviceTier === undefined) return undefined
  const cached = usage['cacheTokensDetails']
  const tool = usage['toolUsePromptTokensDetails']
  return foundDetails({
    audioInputTokens: sumOf('AUDIO', prompt, tool),
    audioCacheReadInputTokens: sumOf('AUDIO', cached),
    audioOutputTokens: sumOf('AUDIO', answer),
    imageInputTokens: sumOf('IMAGE', prompt, tool),
    imageCacheReadInputTokens: sumOf('IMAGE', cached),
    imageOutputTokens: sumOf('IMAGE', answer),
    serviceTier,
  })
}

function sumOf(modality: string, ...lists: readonly unknown[]): number | undefined {
  let tokens = 0
  for (const list of lists) {
    if (!Array.isArray(list)) continue
    for (const entry of list) {
      const fields = asFields(entry)
      if (fields?.['modality'] === modality) tokens += count(fields['tokenCount']) ?? 0
    }
  }
  return tokens === 0 ? undefined : tokens
}
