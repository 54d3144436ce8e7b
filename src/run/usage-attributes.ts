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
import type { Usage } from './types.ts'

/** What is known of one model call once it has answered. */
export interface CallUsage extends Usage {
  readonly model?: string | undefined
  readonly provider?: string | undefined
}

/** The attributes that say it. Numbers that are no counts are left out, so that nothing odd is exported or summed. */
export function usageAttributes(usage: CallUsage): Attributes {
  const attributes: Attributes = {}
  putCount(attributes, ATTR_GEN_AI_USAGE_INPUT_TOKENS, usage.inputTokens)
  putCount(attributes, ATTR_GEN_AI_USAGE_OUTPUT_TOKENS, usage.outputTokens)
  putCount(attributes, ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheReadInputTokens)
  putCount(attributes, ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cacheWriteInputTokens)
  putCount(attributes, ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoningOutputTokens)
  if (usage.costUsd !== undefined) putCount(attributes, ATTR_RUNSPAN_CALL_COST_NANO_USD, usage.costUsd * 1e9)
  if (usage.model !== undefined) attributes[ATTR_GEN_AI_RESPONSE_MODEL] = usage.model
  if (usage.provider !== undefined) attributes[ATTR_GEN_AI_PROVIDER_NAME] = usage.provider
  return attributes
}

function putCount(attributes: Attributes, key: string, value: number | undefined): void {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) attributes[key] = Math.round(value)
}
