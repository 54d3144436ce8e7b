import type { Attributes } from '@opentelemetry/api'

import { ATTR_ERROR_TYPE, ATTR_RUNSPAN_RUN_STATUS, ATTR_RUNSPAN_RUN_STATUS_REASON } from '../attributes.ts'

/** Longest text that is kept of an open run's root: what is written down is written for every run, and again. */
const maxTextLength = 4096

/** Why a run has been abandoned whose process ended without a word. */
export const lostReason = 'process_lost'

/** What a root would carry if its process were lost now, but for its numbers. Texts above 4,096 characters stay behind. */
export function attributesOfLost(said: Attributes): Attributes {
  const attributes: Attributes = {}
  for (const [key, value] of Object.entries(said)) {
    if (typeof value !== 'string' || value.length <= maxTextLength) attributes[key] = value
  }
  attributes[ATTR_RUNSPAN_RUN_STATUS] = 'abandoned'
  attributes[ATTR_RUNSPAN_RUN_STATUS_REASON] = lostReason
  attributes[ATTR_ERROR_TYPE] = 'abandoned'
  return attributes
}
