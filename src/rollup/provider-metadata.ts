import { asFields, count, text, type Fields } from '../run/answer-fields.ts'
import { readCallReport, type CallReport } from '../run/provider-usage.ts'

/** A longer text is not parsed: it holds search results, and takes longer than everything else a span's end does. */
const maxLength = 65_536

/** Who says anything here that the span does not say itself. */
const worthReading = /"(?:usage|usageMetadata|serviceTier)"/

/**
 * What the AI SDK passes on of a provider's answer, in `ai.response.providerMetadata`: the usage as Anthropic and Google
 * report it, which up to version 5 is more than the span's own keys say, and the tier of service.
 *
 * @returns `undefined` where it says nothing about usage
 */
export function readProviderMetadata(json: unknown): CallReport | undefined {
  if (typeof json !== 'string' || json.length > maxLength || !worthReading.test(json)) return undefined
  let metadata: Fields | undefined
  try {
    metadata = asFields(JSON.parse(json))
  } catch {
    return undefined
  }
  if (metadata === undefined) return undefined
  for (const part of Object.values(metadata)) {
    const provider = asFields(part)
    const report = provider === undefined ? undefined : readOf(provider)
    if (report !== undefined) return report
  }
  return undefined
}

const usageKey = '"usageMetadata":'

/**
 * What Google's ADK says of the usage in `gcp.vertex.agent.llm_response`: cached input and thoughts are on no other key
 * of its spans. Only that part of the answer is parsed; it stands behind the content.
 *
 * @returns `undefined` where it says nothing about usage, or was cut off
 */
export function readAdkResponse(json: unknown): CallReport | undefined {
  if (typeof json !== 'string') return undefined
  const start = json.lastIndexOf(usageKey)
  if (start < 0) return undefined
  const from = start + usageKey.length
  let depth = 0
  for (let at = from; at < json.length && at < from + maxLength; at++) {
    const letter = json[at]
    if (letter === '{') depth++
    else if (letter === '}') depth--
    if (depth > 0) continue
    try {
      return readCallReport({ usageMetadata: JSON.parse(json.slice(from, at + 1)) })
    } catch {
      return undefined
    }
  }
  return undefined
}

function readOf(provider: Fields): CallReport | undefined {
  const usage = asFields(provider['usage'])
  const report = readCallReport({ usage, usageMetadata: provider['usageMetadata'] })
  const serviceTier = text(provider['serviceTier']) ?? report?.serviceTier
  // All that Bedrock is passed on of.
  const cacheWriteInputTokens = report?.cacheWriteInputTokens ?? count(usage?.['cacheWriteInputTokens'])
  if (report === undefined && serviceTier === undefined && cacheWriteInputTokens === undefined) return undefined
  return { ...report, cacheWriteInputTokens, serviceTier }
}
