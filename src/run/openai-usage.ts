import { asFields, count, foundDetails, someOf, type Fields, type ReadUsage } from './answer-fields.ts'
import type { UsageDetails } from './types.ts'

/** OpenAI's chat completions, responses, images and realtime, and whoever speaks like them. */
export function readOpenaiUsage(usage: Fields): ReadUsage | undefined {
  const input = count(usage['prompt_tokens']) ?? count(usage['input_tokens'])
  const output = count(usage['completion_tokens']) ?? count(usage['output_tokens'])
  if (input === undefined && output === undefined) return undefined
  const inputDetails =
    asFields(usage['prompt_tokens_details']) ??
    asFields(usage['input_tokens_details']) ??
    asFields(usage['input_token_details'])
  const outputDetails =
    asFields(usage['completion_tokens_details']) ??
    asFields(usage['output_tokens_details']) ??
    asFields(usage['output_token_details'])
  const reasoning = count(outputDetails?.['reasoning_tokens'])
  return {
    inputTokens: input,
    outputTokens: withReasoning(output, reasoning, input, usage['total_tokens']),
    cacheReadInputTokens: count(inputDetails?.['cached_tokens']) ?? count(usage['prompt_cache_hit_tokens']),
    cacheWriteInputTokens: count(inputDetails?.['cache_write_tokens']),
    reasoningOutputTokens: reasoning,
    costUsd: count(usage['cost']),
    details: detailsOf(inputDetails, outputDetails),
  }
}

/** xAI reports reasoning beside the output, in OpenAI's words; its total shows it. */
function withReasoning(
  output: number | undefined,
  reasoning: number | undefined,
  input: number | undefined,
  total: unknown,
): number | undefined {
  if (output === undefined || !reasoning) return output
  return total === (input ?? 0) + output + reasoning ? output + reasoning : output
}

function detailsOf(input: Fields | undefined, output: Fields | undefined): UsageDetails | undefined {
  const audioInputTokens = someOf(input?.['audio_tokens'])
  const imageInputTokens = someOf(input?.['image_tokens'])
  const audioOutputTokens = someOf(output?.['audio_tokens'])
  const imageOutputTokens = someOf(output?.['image_tokens'])
  if (
    audioInputTokens === undefined &&
    imageInputTokens === undefined &&
    audioOutputTokens === undefined &&
    imageOutputTokens === undefined
  ) {
    return undefined
  }
  const cached = asFields(input?.['cached_tokens_details'])
  return foundDetails({
    audioInputTokens,
    audioCacheReadInputTokens: someOf(cached?.['audio_tokens']),
    audioOutputTokens,
    imageInputTokens,
    imageCacheReadInputTokens: someOf(cached?.['image_tokens']),
    imageOutputTokens,
  })
}
