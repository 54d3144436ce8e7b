import type { Attributes } from '@opentelemetry/api'

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
import { serviceTierOf } from '../run/service-tier.ts'
import type { FoundDetails } from '../run/usage-attributes.ts'
import type { CallDetails } from './call-details.ts'
import { inclusiveInput, inclusiveOutput } from './inclusive-usage.ts'
import { readAdkResponse, readProviderMetadata } from './provider-metadata.ts'
import { callDetailsOf, readDetails } from './span-details.ts'
import { roleOfMarks, roleOfOperation, type SpanRole } from './span-role.ts'
import { countOf, readUsageMaps, usdOf } from './usage-maps.ts'

/** What one span says of itself that matters to the sums. Token details are parts of the totals. */
export class SpanFacts {
  role: SpanRole = 'unknown'
  /** Whether the span reports any tokens or cost. */
  hasUsage = false
  /** How many model calls the usage is for, where that is not one. */
  calls: number | undefined = undefined
  input = 0
  output = 0
  /** Whether the span says how much output there was: a stream that is aborted may know its input alone. */
  saysOutput = false
  cacheRead = 0
  cacheWrite = 0
  reasoning = 0
  /** Kinds of tokens and tiers of service that few calls have. */
  details: CallDetails | undefined = undefined
  /** Billionths of a US dollar, where the producer reported a cost. */
  reportedNanoUsd: number | undefined = undefined
  /** `gen_ai.operation.name` */
  operation: string | undefined = undefined
  model: string | undefined = undefined
  provider: string | undefined = undefined
  /** How long its first chunk took, in seconds, where it streamed. */
  firstChunkSeconds: number | undefined = undefined
  /** 1 for a request that was sent again. */
  resends = 0
}

/**
 * What the values of a key are about; numbers, because a span's end looks ten of them up. Here and not in a file of their
 * own: reading a span takes a third longer where they are imported.
 */
const topic = {
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
type Topic = (typeof topic)[keyof typeof topic]
interface KeyMeaning {
  readonly topic: Topic
  /** Of several keys of one topic the lowest rank wins. */
  readonly rank: number
}

/**
 * Every key the rollup reads. A span has ten attributes and there are seventy names for what it may say, so a span is
 * read by looking its own keys up here, once, and not by asking it for each of the seventy.
 */
const meanings: ReadonlyMap<string, KeyMeaning> = new Map(meaningsOf())

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

const unranked = 99

/** Where the AI SDK up to version 5 says what was cached; later ones say it under a better name too. */
const aiSdkReadRank = ALIASES_OF_USAGE.cacheRead.indexOf(ALIASES_OF_AI_SDK.cachedInput)

/**
 * What stood at each place of the last span like this one. The same code writes the same keys in the same order, so
 * most look-ups are a comparison of two pointers. Names of one length share a row; a row that is wrong mends itself.
 */
const mostPlaces = 32
const places = Array.from({ length: 64 }, () => ({
  keys: [] as string[],
  meanings: [] as (KeyMeaning | undefined)[],
}))

/**
 * Reads a span, whoever wrote it: one alias per number, so that a span which repeats itself under several names
 * (Strands does) is read once.
 */
export function readSpan(name: string, attributes: Attributes, scopeName: string | undefined): SpanFacts {
  const facts = new SpanFacts()
  let isMarked = false
  let input = -1
  let output = -1
  let total = -1
  let inputRank = unranked
  let outputRank = unranked
  let totalRank = unranked
  let readRank = unranked
  let writeRank = unranked
  let reasoningRank = unranked
  let costRank = unranked
  let modelRank = unranked
  let providerRank = unranked
  let tierRank = unranked
  let costUsd: number | undefined
  let serviceTier: string | undefined
  let hasMap = false
  let hasDetails = false
  let hasMetadata = false
  let isForeignCurrency = false
  const seen = places[name.length % places.length]!
  let place = 0
  for (const key in attributes) {
    let meaning: KeyMeaning | undefined
    if (seen.keys[place] === key) meaning = seen.meanings[place]
    else {
      meaning = meanings.get(key)
      if (place < mostPlaces) {
        seen.keys[place] = key
        seen.meanings[place] = meaning
      }
    }
    place++
    if (meaning === undefined) continue
    const { rank } = meaning
    const value = attributes[key]
    switch (meaning.topic) {
      case topic.operation:
        if (typeof value === 'string') facts.operation = value
        break
      case topic.mark:
        isMarked = true
        break
      case topic.input:
        if (rank < inputRank) {
          const count = countOf(value)
          if (count !== undefined) {
            input = count
            inputRank = rank
          }
        }
        break
      case topic.output:
        if (rank < outputRank) {
          const count = countOf(value)
          if (count !== undefined) {
            output = count
            outputRank = rank
          }
        }
        break
      case topic.total:
        if (rank < totalRank) {
          const count = countOf(value)
          if (count !== undefined) {
            total = count
            totalRank = rank
          }
        }
        break
      case topic.cacheRead:
        if (rank < readRank) {
          const count = countOf(value)
          if (count !== undefined) {
            facts.cacheRead = count
            readRank = rank
          }
        }
        break
      case topic.cacheWrite:
        if (rank < writeRank) {
          const count = countOf(value)
          if (count !== undefined) {
            facts.cacheWrite = count
            writeRank = rank
          }
        }
        break
      case topic.reasoning:
        if (rank < reasoningRank) {
          const count = countOf(value)
          if (count !== undefined) {
            facts.reasoning = count
            reasoningRank = rank
          }
        }
        break
      case topic.costUsd:
        if (rank < costRank) {
          const usd = usdOf(value)
          if (usd !== undefined) {
            costUsd = usd
            costRank = rank
          }
        }
        break
      case topic.nanoUsd:
        facts.reportedNanoUsd = countOf(value)
        break
      case topic.model:
        if (rank < modelRank && typeof value === 'string' && value !== '') {
          facts.model = unquoted(value)
          modelRank = rank
        }
        break
      case topic.provider:
        if (rank < providerRank && typeof value === 'string' && value !== '') {
          facts.provider = unquoted(value)
          providerRank = rank
        }
        break
      case topic.map:
        hasMap = true
        break
      case topic.currency:
        isForeignCurrency = typeof value === 'string' && value.toUpperCase() !== 'USD'
        break
      case topic.firstChunkSeconds:
        if (typeof value === 'number' && value >= 0) facts.firstChunkSeconds = value
        break
      case topic.firstChunkMillis:
        if (typeof value === 'number' && value >= 0) facts.firstChunkSeconds ??= value / 1000
        break
      case topic.resend:
        facts.resends = typeof value === 'number' && value > 0 ? 1 : 0
        break
      case topic.detail:
        // Producers that have none write zeros.
        if (value !== 0) hasDetails = true
        break
      case topic.serviceTier:
        if (rank < tierRank && typeof value === 'string') {
          serviceTier = value
          tierRank = rank
        }
        break
      case topic.providerMetadata:
        hasMetadata = true
        break
      case topic.claude:
        // Bare names such as `model` mean something on Claude Code's spans alone.
        break
    }
  }
  if (isMarked || !isPlainName(name, scopeName)) facts.role = roleOfMarks(name, attributes, scopeName)
  else if (facts.operation !== undefined) facts.role = roleOfOperation(facts.operation)
  // Only the first of the aliases has a currency beside it.
  if (isForeignCurrency && costRank === 0) costUsd = otherCost(attributes)
  if (costUsd !== undefined) facts.reportedNanoUsd ??= Math.round(costUsd * 1e9)
  if (input < 0 && output < 0 && name.startsWith('claude_code.')) return claudeCode(facts, attributes)
  let details: FoundDetails | undefined = hasDetails ? readDetails(attributes) : undefined
  if (hasMap && (input < 0 || output < 0 || readRank === unranked)) {
    const usage = readUsageMaps(attributes)
    if (input < 0) input = usage.input ?? -1
    if (output < 0) output = usage.output ?? -1
    if (readRank === unranked) facts.cacheRead = usage.cacheRead ?? 0
    if (writeRank === unranked) facts.cacheWrite = usage.cacheWrite ?? 0
    if (reasoningRank === unranked) facts.reasoning = usage.reasoning ?? 0
    details ??= usage.details
  }
  let isInclusive = false
  // A container has that of one of its calls.
  if (hasMetadata && facts.role === 'leaf') {
    const report =
      readProviderMetadata(attributes[ALIASES_OF_AI_SDK.providerMetadata]) ??
      readAdkResponse(attributes[ALIAS_ADK_RESPONSE])
    if (report !== undefined) {
      if (report.inputTokens !== undefined && report.outputTokens !== undefined) {
        input = report.inputTokens
        output = report.outputTokens
        isInclusive = true
        facts.cacheRead = report.cacheReadInputTokens ?? 0
        facts.reasoning = report.reasoningOutputTokens ?? facts.reasoning
      }
      if (report.cacheWriteInputTokens !== undefined) facts.cacheWrite = report.cacheWriteInputTokens
      details = details === undefined ? report : { ...report, ...details }
    }
  }
  // A total alone says nothing about its parts; it is taken as input, which is the cheaper guess.
  if (input < 0 && output < 0) input = total
  facts.hasUsage = input >= 0 || output >= 0 || facts.reportedNanoUsd !== undefined
  if (!isInclusive) {
    const cached = facts.cacheRead + facts.cacheWrite
    if (cached > 0 && input >= 0) {
      const { provider, model } = facts
      const isAiSdk5 =
        (hasMetadata || readRank === aiSdkReadRank) && attributes[ALIASES_OF_AI_SDK.uncachedInput] === undefined
      input = inclusiveInput({ input, output, total, cached, scopeName, provider, model, isAiSdk5 })
    }
    if (facts.reasoning > 0 && output >= 0) output = inclusiveOutput(input, output, facts.reasoning, total)
  }
  if (input > 0) facts.input = input
  if (output > 0) facts.output = output
  facts.saysOutput = output >= 0
  if (serviceTier !== undefined && serviceTierOf(serviceTier) !== undefined) details = { ...details, serviceTier }
  if (details !== undefined) facts.details = callDetailsOf(details)
  return facts
}

/** MLflow writes every attribute as JSON, names too. */
function unquoted(name: string): string {
  return name.charCodeAt(0) === quote ? name.slice(1, -1) : name
}

const quote = 0x22

/** The cost under the best of the names but the first. */
function otherCost(attributes: Attributes): number | undefined {
  let best = unranked
  let usd: number | undefined
  for (const [key, value] of Object.entries(attributes)) {
    const meaning = meanings.get(key)
    if (meaning?.topic !== topic.costUsd || meaning.rank === 0 || meaning.rank >= best) continue
    const found = usdOf(value)
    if (found === undefined) continue
    usd = found
    best = meaning.rank
  }
  return usd
}

/** Whether neither name nor scope can say what the span is, so that no mark means none. */
function isPlainName(name: string, scopeName: string | undefined): boolean {
  if (scopeName === 'com.anthropic.claude-platform') return false
  // Both begin with a `c`, and few other names do.
  return name.charCodeAt(0) !== letterC || (name !== 'call_llm' && !name.startsWith('claude_code.'))
}

const letterC = 0x63

function claudeCode(facts: SpanFacts, attributes: Attributes): SpanFacts {
  const input = countOf(attributes[ALIASES_OF_CLAUDE_CODE.input])
  const output = countOf(attributes[ALIASES_OF_CLAUDE_CODE.output])
  const model = attributes[ALIASES_OF_CLAUDE_CODE.model]
  if (typeof model === 'string') facts.model ??= model
  if (input === undefined && output === undefined) return facts
  facts.hasUsage = true
  facts.cacheRead = countOf(attributes[ALIASES_OF_CLAUDE_CODE.cacheRead]) ?? 0
  facts.cacheWrite = countOf(attributes[ALIASES_OF_CLAUDE_CODE.cacheWrite]) ?? 0
  // Claude Code counts cached input beside the input.
  facts.input = (input ?? 0) + facts.cacheRead + facts.cacheWrite
  facts.output = output ?? 0
  facts.saysOutput = output !== undefined
  return facts
}
