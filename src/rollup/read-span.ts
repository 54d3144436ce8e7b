import type { Attributes } from '@opentelemetry/api'

import { ALIAS_ADK_RESPONSE, ALIASES_OF_AI_SDK, ALIASES_OF_CLAUDE_CODE, ALIASES_OF_USAGE } from '../attributes.ts'
import { serviceTierOf } from '../run/service-tier.ts'
import type { FoundDetails } from '../run/usage-attributes.ts'
import { inclusiveInput, inclusiveOutput } from './inclusive-usage.ts'
import { isQuoted, placesOf, readPlainSpan, type KeyPlaces } from './plain-span.ts'
import { readAdkResponse, readProviderMetadata } from './provider-metadata.ts'
import { callDetailsOf, readDetails } from './span-details.ts'
import { SpanFacts } from './span-facts.ts'
import { meanings, topic, type KeyMeaning } from './span-keys.ts'
import { roleOfMarks, roleOfOperation } from './span-role.ts'
import { countOf, readUsageMaps, usdOf } from './usage-maps.ts'

const unranked = 99

/** Where the AI SDK up to version 5 says what was cached; later ones say it under a better name too. */
const aiSdkReadRank = ALIASES_OF_USAGE.cacheRead.indexOf(ALIASES_OF_AI_SDK.cachedInput)

/**
 * Reads a span, whoever wrote it: one alias per number, so that a span which repeats itself under several names
 * (Strands does) is read once.
 */
export function readSpan(name: string, attributes: Attributes, scopeName: string | undefined): SpanFacts {
  const places = placesOf(name)
  const isPlain = isPlainName(name, scopeName)
  const facts = isPlain && places.isPlain ? readPlainSpan(places, name, attributes, scopeName) : undefined
  return facts ?? readAnySpan(places, isPlain, name, attributes, scopeName)
}

function readAnySpan(
  places: KeyPlaces,
  isPlain: boolean,
  name: string,
  attributes: Attributes,
  scopeName: string | undefined,
): SpanFacts {
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
  let isChanged = false
  let place = 0
  for (const key in attributes) {
    let meaning: KeyMeaning | undefined
    if (places.keys[place] === key) meaning = places.meanings[place]
    else {
      meaning = meanings.get(key)
      places.set(place, key, meaning)
      isChanged = true
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
            facts.cacheReadInputTokens = count
            readRank = rank
          }
        }
        break
      case topic.cacheWrite:
        if (rank < writeRank) {
          const count = countOf(value)
          if (count !== undefined) {
            facts.cacheWriteInputTokens = count
            writeRank = rank
          }
        }
        break
      case topic.reasoning:
        if (rank < reasoningRank) {
          const count = countOf(value)
          if (count !== undefined) {
            facts.reasoningOutputTokens = count
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
  if (isChanged || place !== places.count) places.learn(place)
  if (isMarked || !isPlain) facts.role = roleOfMarks(name, attributes, scopeName)
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
    if (readRank === unranked) facts.cacheReadInputTokens = usage.cacheRead ?? 0
    if (writeRank === unranked) facts.cacheWriteInputTokens = usage.cacheWrite ?? 0
    if (reasoningRank === unranked) facts.reasoningOutputTokens = usage.reasoning ?? 0
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
        facts.cacheReadInputTokens = report.cacheReadInputTokens ?? 0
        facts.reasoningOutputTokens = report.reasoningOutputTokens ?? facts.reasoningOutputTokens
      }
      if (report.cacheWriteInputTokens !== undefined) facts.cacheWriteInputTokens = report.cacheWriteInputTokens
      details = details === undefined ? report : { ...report, ...details }
    }
  }
  // A total alone says nothing about its parts; it is taken as input, which is the cheaper guess.
  if (input < 0 && output < 0) input = total
  facts.hasUsage = input >= 0 || output >= 0 || facts.reportedNanoUsd !== undefined
  if (!isInclusive) {
    const cached = facts.cacheReadInputTokens + facts.cacheWriteInputTokens
    if (cached > 0 && input >= 0) {
      const { provider, model } = facts
      const isAiSdk5 =
        (hasMetadata || readRank === aiSdkReadRank) && attributes[ALIASES_OF_AI_SDK.uncachedInput] === undefined
      input = inclusiveInput({ input, output, total, cached, scopeName, provider, model, isAiSdk5 })
    }
    if (facts.reasoningOutputTokens > 0 && output >= 0)
      output = inclusiveOutput(input, output, facts.reasoningOutputTokens, total)
  }
  if (input > 0) facts.inputTokens = input
  if (output > 0) facts.outputTokens = output
  facts.saysOutput = output >= 0
  if (serviceTier !== undefined && serviceTierOf(serviceTier) !== undefined) details = { ...details, serviceTier }
  if (details !== undefined) facts.details = callDetailsOf(details)
  return facts
}

function unquoted(name: string): string {
  return isQuoted(name) ? name.slice(1, -1) : name
}

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
  facts.cacheReadInputTokens = countOf(attributes[ALIASES_OF_CLAUDE_CODE.cacheRead]) ?? 0
  facts.cacheWriteInputTokens = countOf(attributes[ALIASES_OF_CLAUDE_CODE.cacheWrite]) ?? 0
  // Claude Code counts cached input beside the input.
  facts.inputTokens = (input ?? 0) + facts.cacheReadInputTokens + facts.cacheWriteInputTokens
  facts.outputTokens = output ?? 0
  facts.saysOutput = output !== undefined
  return facts
}
