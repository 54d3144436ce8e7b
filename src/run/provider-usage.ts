import { readAnthropicUsage, readBedrockUsage } from './anthropic-usage.ts'
import { asFields, count, text, type Fields, type ReadUsage } from './answer-fields.ts'
import { readGoogleUsage } from './google-usage.ts'
import { readOpenaiUsage } from './openai-usage.ts'
import { serviceTierOf } from './service-tier.ts'
import type { CallUsage } from './usage-attributes.ts'

/** What a model's answer, or a chunk of it, says beside its usage. */
export interface CallReport extends CallUsage {
  readonly responseId?: string | undefined
  readonly finishReasons?: readonly string[] | undefined
}

/** A report as it is found: the details few calls have in an object of their own. */
interface FoundReport extends ReadUsage {
  readonly model?: string | undefined
  readonly responseId?: string | undefined
}

/**
 * Reads usage from a model client's result, or from one chunk of its stream.
 *
 * Known shapes: OpenAI chat completions and responses, Anthropic messages, Google `generateContent`, Bedrock `Converse`,
 * AI SDK. Anthropic and Bedrock report cached input beside the input, everybody else inside it; here input always
 * includes it. Google reports reasoning beside the output; here output always includes it.
 *
 * @returns `undefined` where the value says nothing about usage
 */
export function readCallReport(result: unknown): CallReport | undefined {
  const fields = asFields(result)
  if (fields === undefined) return undefined
  // Beside a total over all steps, `usage` is the last step's; the last part of an AI SDK stream has the total alone.
  const usage: FoundReport | undefined =
    aiSdk(asFields(fields['totalUsage']), fields) ??
    readUsage(asFields(fields['usage']), fields) ??
    readGoogleUsage(asFields(fields['usageMetadata'])) ??
    nested(fields)
  if (usage === undefined) return undefined
  // Field by field: spreading one object into another costs as much as a span on Node 20.
  const report: CallReport = {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cacheReadInputTokens: usage.cacheReadInputTokens,
    cacheWriteInputTokens: usage.cacheWriteInputTokens,
    reasoningOutputTokens: usage.reasoningOutputTokens,
    costUsd: usage.costUsd,
    provider: undefined,
    model:
      text(fields['model']) ??
      text(fields['modelVersion']) ??
      text(asFields(fields['response'])?.['modelId']) ??
      usage.model,
    responseId: text(fields['id']) ?? text(fields['responseId']) ?? usage.responseId,
    finishReasons: finishReasons(fields),
  }
  const { details } = usage
  const tier = otherTier(fields['service_tier']) ?? otherTier(fields['serviceTier']) ?? details?.serviceTier
  if (details === undefined && tier === undefined) return report
  return { ...report, ...details, serviceTier: tier }
}

/** The tier's name where it is not the standard one. Bedrock has it in an object. */
function otherTier(value: unknown): string | undefined {
  const name = text(value) ?? text(asFields(value)?.['type'])
  return name === undefined || serviceTierOf(name) === undefined ? undefined : name
}

/** Events that wrap the message they are about: Anthropic's `message_start`, OpenAI's `response.completed`. */
function nested(fields: Fields): FoundReport | undefined {
  const inner = asFields(fields['message']) ?? asFields(fields['response'])
  if (inner === undefined || typeof fields['type'] !== 'string') return undefined
  const usage = readUsage(asFields(inner['usage']), inner)
  if (usage === undefined) return undefined
  const tier = otherTier(inner['service_tier'])
  const details = tier === undefined ? usage.details : { ...usage.details, serviceTier: tier }
  // Anthropic begins with a first token of output. How many there are it says at the end, or nobody does.
  const outputTokens = fields['type'] === 'message_start' ? undefined : usage.outputTokens
  return { ...usage, outputTokens, details, model: text(inner['model']), responseId: text(inner['id']) }
}

function readUsage(usage: Fields | undefined, fields: Fields): FoundReport | undefined {
  if (usage === undefined) return undefined
  const report = readBedrockUsage(usage) ?? aiSdk(usage, fields) ?? readAnthropicUsage(usage) ?? readOpenaiUsage(usage)
  // Anthropic's last event repeats the input without its cached parts where there is nothing to say of those.
  if (fields['type'] !== 'message_delta' || report?.cacheReadInputTokens !== undefined) return report
  return { outputTokens: report?.outputTokens }
}

/** @param fields the result or the part of a stream that the usage stands in */
function aiSdk(usage: Fields | undefined, fields: Fields): FoundReport | undefined {
  if (usage === undefined) return undefined
  const input = count(usage['inputTokens']) ?? count(usage['promptTokens'])
  const output = count(usage['outputTokens']) ?? count(usage['completionTokens'])
  if (input === undefined && output === undefined) return undefined
  const inputDetails = asFields(usage['inputTokenDetails'])
  const read = count(inputDetails?.['cacheReadTokens']) ?? count(usage['cachedInputTokens'])
  const reasoning = count(asFields(usage['outputTokenDetails'])?.['reasoningTokens']) ?? count(usage['reasoningTokens'])
  // Up to version 5 the AI SDK passes on what providers say.
  const written = inputDetails === undefined ? writtenBeside(fields) : undefined
  return {
    inputTokens: written === undefined || input === undefined ? input : input + (read ?? 0) + written,
    outputTokens: output,
    cacheReadInputTokens: read,
    cacheWriteInputTokens: count(inputDetails?.['cacheWriteTokens']) ?? written,
    reasoningOutputTokens: reasoning,
  }
}

/**
 * The cache writes that Anthropic and Bedrock report beside the input, over all steps of an AI SDK result.
 *
 * @returns `undefined` where the result is of nobody who reports cached input beside the input
 */
function writtenBeside(fields: Fields): number | undefined {
  const steps: readonly unknown[] = Array.isArray(fields['steps']) ? fields['steps'] : [fields]
  let written: number | undefined
  for (const step of steps) {
    const metadata = asFields(asFields(step)?.['providerMetadata'])
    const anthropic = asFields(metadata?.['anthropic'])
    const bedrock = asFields(metadata?.['bedrock'])
    if (anthropic === undefined && bedrock === undefined) continue
    const tokens =
      count(anthropic?.['cacheCreationInputTokens']) ?? count(asFields(bedrock?.['usage'])?.['cacheWriteInputTokens'])
    written = (written ?? 0) + (tokens ?? 0)
  }
  return written
}

function finishReasons(fields: Fields): readonly string[] | undefined {
  const direct =
    text(fields['stop_reason']) ?? text(fields['finishReason']) ?? text(asFields(fields['delta'])?.['stop_reason'])
  if (direct !== undefined) return [direct]
  const list = Array.isArray(fields['choices'])
    ? fields['choices']
    : Array.isArray(fields['candidates'])
      ? fields['candidates']
      : []
  const reasons = list
    .map((choice: unknown) => text(asFields(choice)?.['finish_reason']) ?? text(asFields(choice)?.['finishReason']))
    .filter((reason) => reason !== undefined)
  return reasons.length === 0 ? undefined : reasons
}
