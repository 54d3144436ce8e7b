import type { Attributes } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  ATTR_RUNSPAN_CALL_COST_NANO_USD,
} from '../attributes.ts'

/** What is known of one model call once it has answered. */
export interface CallUsage {
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
}

function isCount(value: number | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
