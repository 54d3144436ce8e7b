import type { Attributes } from '@opentelemetry/api'

import { ALIASES_OF_DETAILS } from '../attributes.ts'
import { serviceTierOf } from '../run/service-tier.ts'
import type { UsageDetails } from '../run/types.ts'
import type { FoundDetails } from '../run/usage-attributes.ts'
import type { CallDetails } from './call-details.ts'
import { countOf } from './usage-maps.ts'

/** Numbers that few spans have: per number the first of its keys that holds a count. */
export function readDetails(attributes: Attributes): UsageDetails {
  return {
    cacheWrite1hInputTokens: firstCount(attributes, ALIASES_OF_DETAILS.cacheWrite1h),
    audioInputTokens: firstCount(attributes, ALIASES_OF_DETAILS.audioInput),
    audioCacheReadInputTokens: firstCount(attributes, ALIASES_OF_DETAILS.audioCacheRead),
    audioOutputTokens: firstCount(attributes, ALIASES_OF_DETAILS.audioOutput),
    imageInputTokens: firstCount(attributes, ALIASES_OF_DETAILS.imageInput),
    imageCacheReadInputTokens: firstCount(attributes, ALIASES_OF_DETAILS.imageCacheRead),
    imageOutputTokens: firstCount(attributes, ALIASES_OF_DETAILS.imageOutput),
  }
}

function firstCount(attributes: Attributes, keys: readonly string[]): number {
  for (const key of keys) {
    const count = countOf(attributes[key])
    if (count !== undefined) return count
  }
  return 0
}

/** Details as prices take them; `undefined` where they say nothing. */
export function callDetailsOf(usage: FoundDetails): CallDetails | undefined {
  const details: CallDetails = {
    cacheWrite1hInputTokens: usage.cacheWrite1hInputTokens ?? 0,
    audioInputTokens: usage.audioInputTokens ?? 0,
    audioCacheReadInputTokens: usage.audioCacheReadInputTokens ?? 0,
    audioOutputTokens: usage.audioOutputTokens ?? 0,
    imageInputTokens: usage.imageInputTokens ?? 0,
    imageCacheReadInputTokens: usage.imageCacheReadInputTokens ?? 0,
    imageOutputTokens: usage.imageOutputTokens ?? 0,
    serviceTier: usage.serviceTier === undefined ? undefined : serviceTierOf(usage.serviceTier),
  }
  return Object.values(details).some((value) => value !== 0 && value !== undefined) ? details : undefined
}
