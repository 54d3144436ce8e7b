import {
  ALIAS_ADK_RESPONSE,
  ALIAS_COST_CURRENCY,
  ALIASES_OF_AI_SDK,
  ALIASES_OF_CLAUDE_CODE,
  ALIASES_OF_DETAILS,
  ALIASES_OF_FIRST_CHUNK_MILLIS,
  ALIASES_OF_MODEL,
  ALIASES_OF_PROVIDER,
  ALIASES_OF_ROLE,
  ALIASES_OF_SERVICE_TIER,
  ALIASES_OF_USAGE,
  ALIASES_OF_USAGE_MAPS,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_RUNSPAN_CALL_COST_NANO_USD,
} from '../attributes.ts'

/** What the values of a key are about; numbers, because a span's end looks ten of them up. */
export const topic = {
  input: 0,
  output: 1,
  total: 2,
  cacheRead: 3,
  cacheWrite: 4,
  reasoning: 5,
  costUsd: 6,
  model: 7,
  provider: 8,
  mark: 9,
  map: 10,
  claude: 11,
  nanoUsd: 12,
  currency: 13,
  operation: 14,
  firstChunkSeconds: 15,
  firstChunkMillis: 16,
  resend: 17,
  detail: 18,
  serviceTier: 19,
  providerMetadata: 20,
} as const
/** One of them. */
export type Topic = (typeof topic)[keyof typeof topic]

/** What a key says. */
export interface KeyMeaning {
  readonly topic: Topic
  /** Of several keys of one topic the lowest rank wins. */
  readonly rank: number
}

/**
 * Every key the rollup reads. A span has ten attributes and there are seventy names for what it may say, so a span is
 * read by looking its own keys up here, once, and not by asking it for each of the seventy.
 */
export const meanings: ReadonlyMap<string, KeyMeaning> = new Map(meaningsOf())

function* meaningsOf(): Generator<readonly [string, KeyMeaning]> {
  for (const [name, keys] of Object.entries(ALIASES_OF_USAGE)) {
    for (const [rank, key] of keys.entries()) yield [key, { topic: topic[name as keyof typeof ALIASES_OF_USAGE], rank }]
  }
  for (const [rank, key] of ALIASES_OF_MODEL.entries()) yield [key, { topic: topic.model, rank }]
  for (const [rank, key] of ALIASES_OF_PROVIDER.entries()) yield [key, { topic: topic.provider, rank }]
  yield [ATTR_GEN_AI_OPERATION_NAME, { topic: topic.operation, rank: 0 }]
  for (const key of Object.values(ALIASES_OF_ROLE)) yield [key, { topic: topic.mark, rank: 0 }]
  yield [ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, { topic: topic.firstChunkSeconds, rank: 0 }]
  for (const key of ALIASES_OF_FIRST_CHUNK_MILLIS) yield [key, { topic: topic.firstChunkMillis, rank: 0 }]
  yield [ATTR_HTTP_REQUEST_RESEND_COUNT, { topic: topic.resend, rank: 0 }]
  yield [ALIASES_OF_USAGE_MAPS.langfuse, { topic: topic.map, rank: 0 }]
  yield [ALIASES_OF_USAGE_MAPS.langsmith, { topic: topic.map, rank: 1 }]
  yield [ALIASES_OF_USAGE_MAPS.mlflow, { topic: topic.map, rank: 2 }]
  // Langfuse's map of costs stands where its name does in the order of the aliases: before MLflow's.
  const beforeMlflow = ALIASES_OF_USAGE.costUsd.indexOf('mlflow.llm.cost') - 0.5
  yield [ALIASES_OF_USAGE_MAPS.langfuseCost, { topic: topic.costUsd, rank: beforeMlflow }]
  for (const keys of Object.values(ALIASES_OF_DETAILS)) {
    for (const key of keys) yield [key, { topic: topic.detail, rank: 0 }]
  }
  for (const [rank, key] of ALIASES_OF_SERVICE_TIER.entries()) yield [key, { topic: topic.serviceTier, rank }]
  yield [ALIASES_OF_AI_SDK.providerMetadata, { topic: topic.providerMetadata, rank: 0 }]
  yield [ALIAS_ADK_RESPONSE, { topic: topic.providerMetadata, rank: 1 }]
  for (const key of Object.values(ALIASES_OF_CLAUDE_CODE)) yield [key, { topic: topic.claude, rank: 0 }]
  yield [ATTR_RUNSPAN_CALL_COST_NANO_USD, { topic: topic.nanoUsd, rank: 0 }]
  yield [ALIAS_COST_CURRENCY, { topic: topic.currency, rank: 0 }]
}
