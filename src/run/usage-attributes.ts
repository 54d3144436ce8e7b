import type { Attributes } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  ATTR_RUNSPAN_CALL_CACHE_WRITE_1H_INPUT_TOKENS,
  ATTR_RUNSPAN_CALL_COST_NANO_USD,
  ATTR_RUNSPAN_CALL_SERVICE_TIER,
} from '../attributes.ts'
import type { UsageDetails } from './types.ts'

/** {@link UsageDetails} as readers fill them in. */
export type FoundDetails = { readonly [Name in keyof UsageDetails]: UsageDetails[Name] | undefined }

/** What is known of one model call once it has answered. */
export interface CallUsage extends FoundDetails {
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  readonly cacheReadInputTokens?: number | undefined
  readonly cacheWriteInputTokens?: number | undefined
  readonly reasoningOutputTokens?: number | undefined
  readonly costUsd?: number | undefined
  readonly model?: string | undefined
  readonly provider?: string | undefined
}

/** Writes it. Numbers that are no counts are left out, so that nothing odd is exported or summed. */
export function writeUsage(attributes: Attributes, usage: CallUsage): void {
  const {
    inputTokens,
    outputTokens,
    cacheReadInputTokens,
    cacheWriteInputTokens,
    reasoningOutputTokens,
    costUsd,
    model,
    provider,
  } = usage
  if (isCount(inputTokens)) attributes[ATTR_GEN_AI_USAGE_INPUT_TOKENS] = Math.round(inputTokens)
  if (isCount(outputTokens)) attributes[ATTR_GEN_AI_USAGE_OUTPUT_TOKENS] = Math.round(outputTokens)
  if (isCount(cacheReadInputTokens))
    attributes[ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] = Math.round(cacheReadInputTokens)
  if (isCount(cacheWriteInputTokens))
    attributes[ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS] = Math.round(cacheWriteInputTokens)
  if (isCount(reasoningOutputTokens))
    attributes[ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS] = Math.round(reasoningOutputTokens)
  if (isCount(costUsd)) attributes[ATTR_RUNSPAN_CALL_COST_NANO_USD] = Math.round(costUsd * 1e9)
  if (model !== undefined) attributes[ATTR_GEN_AI_RESPONSE_MODEL] = model
  if (provider !== undefined) attributes[ATTR_GEN_AI_PROVIDER_NAME] = provider
  writeDetails(attributes, usage)
}

function writeDetails(attributes: Attributes, details: FoundDetails): void {
  writeCount(attributes, ATTR_RUNSPAN_CALL_CACHE_WRITE_1H_INPUT_TOKENS, details.cacheWrite1hInputTokens)
  writeCount(attributes, ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS, details.audioInputTokens)
  writeCount(attributes, ATTR_GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS, details.audioCacheReadInputTokens)
  writeCount(attributes, ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS, details.audioOutputTokens)
  writeCount(attributes, ATTR_GEN_AI_USAGE_IMAGE_INPUT_TOKENS, details.imageInputTokens)
  writeCount(attributes, ATTR_GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS, details.imageCacheReadInputTokens)
  writeCount(attributes, ATTR_GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS, details.imageOutputTokens)
  if (typeof details.serviceTier === 'string') attributes[ATTR_RUNSPAN_CALL_SERVICE_TIER] = details.serviceTier
}

function writeCount(attributes: Attributes, key: string, value: number | undefined): void {
  if (isCount(value)) attributes[key] = Math.round(value)
}

function isCount(value: number | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
