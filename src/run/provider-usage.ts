import type { CallUsage } from './usage-attributes.ts'

type Fields = Readonly<Record<string, unknown>>

/** What a model's answer, or a chunk of it, says beside its usage. */
export interface CallReport extends CallUsage {
  readonly responseId?: string | undefined
  readonly finishReasons?: readonly string[] | undefined
}

/**
 * Reads usage from a model client's result, or from one chunk of its stream.
 *
 * Known shapes: OpenAI chat completions and responses, Anthropic messages, Google `generateContent`, AI SDK. Anthropic
 * reports cached input beside the input, everybody else inside it; here input always includes it. Google reports
 * reasoning beside the output; here output always includes it.
 *
 * @returns `undefined` where the value says nothing about usage
 */
export function readCallReport(result: unknown): CallReport | undefined {
  const fields = asFields(result)
  if (fields === undefined) return undefined
  // Beside a total over all steps, `usage` is the last step's; the last part of an AI SDK stream has the total alone.
  const usage: CallReport | undefined =
    aiSdk(asFields(fields['totalUsage'])) ??
    readUsage(asFields(fields['usage']), fields['type']) ??
    google(asFields(fields['usageMetadata'])) ??
    nested(fields)
  if (usage === undefined) return undefined
  // Field by field: spreading one object into another costs as much as a span on Node 20.
  return {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cacheReadInputTokens: usage.cacheReadInputTokens,
    cacheWriteInputTokens: usage.cacheWriteInputTokens,
    reasoningOutputTokens: usage.reasoningOutputTokens,
    costUsd: usage.costUsd,
    provider: usage.provider,
    model:
      text(fields['model']) ??
      text(fields['modelVersion']) ??
      text(asFields(fields['response'])?.['modelId']) ??
      usage.model,
    responseId: text(fields['id']) ?? text(fields['responseId']) ?? usage.responseId,
    finishReasons: finishReasons(fields),
  }
}

/** Events that wrap the message they are about: Anthropic's `message_start`, OpenAI's `response.completed`. */
function nested(fields: Fields): CallReport | undefined {
  const inner = asFields(fields['message']) ?? asFields(fields['response'])
  if (inner === undefined || typeof fields['type'] !== 'string') return undefined
  const usage = readUsage(asFields(inner['usage']), inner['type'])
  return usage === undefined ? undefined : { ...usage, model: text(inner['model']), responseId: text(inner['id']) }
}

function readUsage(usage: Fields | undefined, type: unknown): CallReport | undefined {
  if (usage === undefined) return undefined
  const report = aiSdk(usage) ?? anthropic(usage) ?? openai(usage)
  // Anthropic's last event repeats the input without its cached parts where there is nothing to say of those.
  if (type !== 'message_delta' || report?.cacheReadInputTokens !== undefined) return report
  return { outputTokens: report?.outputTokens }
}

function openai(usage: Fields): CallUsage | undefined {
  const input = number(usage['prompt_tokens']) ?? number(usage['input_tokens'])
  const output = number(usage['completion_tokens']) ?? number(usage['output_tokens'])
  if (input === undefined && output === undefined) return undefined
  const inputDetails = asFields(usage['prompt_tokens_details']) ?? asFields(usage['input_tokens_details'])
  const outputDetails = asFields(usage['completion_tokens_details']) ?? asFields(usage['output_tokens_details'])
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: number(inputDetails?.['cached_tokens']),
    cacheWriteInputTokens: number(inputDetails?.['cache_write_tokens']),
    reasoningOutputTokens: number(outputDetails?.['reasoning_tokens']),
    costUsd: number(usage['cost']),
  }
}

function anthropic(usage: Fields): CallUsage | undefined {
  const read = number(usage['cache_read_input_tokens'])
  const write = number(usage['cache_creation_input_tokens'])
  if (read === undefined && write === undefined) return undefined
  const input = number(usage['input_tokens'])
  return {
    inputTokens: input === undefined ? undefined : input + (read ?? 0) + (write ?? 0),
    outputTokens: number(usage['output_tokens']),
    cacheReadInputTokens: read,
    cacheWriteInputTokens: write,
  }
}

function google(usage: Fields | undefined): CallUsage | undefined {
  if (usage === undefined) return undefined
  const prompt = number(usage['promptTokenCount'])
  const candidates = number(usage['candidatesTokenCount'])
  const thoughts = number(usage['thoughtsTokenCount'])
  if (prompt === undefined && candidates === undefined) return undefined
  return {
    inputTokens: prompt === undefined ? undefined : prompt + (number(usage['toolUsePromptTokenCount']) ?? 0),
    outputTokens: (candidates ?? 0) + (thoughts ?? 0),
    cacheReadInputTokens: number(usage['cachedContentTokenCount']),
    reasoningOutputTokens: thoughts,
  }
}

function aiSdk(usage: Fields | undefined): CallUsage | undefined {
  if (usage === undefined) return undefined
  const input = number(usage['inputTokens']) ?? number(usage['promptTokens'])
  const output = number(usage['outputTokens']) ?? number(usage['completionTokens'])
  if (input === undefined && output === undefined) return undefined
  const inputDetails = asFields(usage['inputTokenDetails'])
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: number(inputDetails?.['cacheReadTokens']) ?? number(usage['cachedInputTokens']),
    cacheWriteInputTokens: number(inputDetails?.['cacheWriteTokens']),
    reasoningOutputTokens:
      number(asFields(usage['outputTokenDetails'])?.['reasoningTokens']) ?? number(usage['reasoningTokens']),
  }
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

function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
