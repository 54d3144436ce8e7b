import { SpanKind } from '@opentelemetry/api'

import { ATTR_GEN_AI_OPERATION_NAME, ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL } from '../attributes.ts'
import type { SpanShape } from './span-shape.ts'

interface Endpoint {
  readonly path: RegExp
  readonly operation: 'chat' | 'embeddings' | 'text_completion' | 'generate_content'
  /** Who alone has it. */
  readonly provider?: string
}

/** Paths of requests that are billed by tokens. The first group of a path that has one is the model. */
const endpoints: readonly Endpoint[] = [
  { path: /\/chat\/completions$/, operation: 'chat' },
  { path: /\/responses$/, operation: 'chat' },
  { path: /\/v1\/messages$/, operation: 'chat', provider: 'anthropic' },
  { path: /\/embeddings$/, operation: 'embeddings' },
  { path: /\/completions$/, operation: 'text_completion' },
  {
    path: /\/models\/([^/:]+):(?:streamG|g)enerateContent$/,
    operation: 'generate_content',
    provider: 'gcp.gemini',
  },
  { path: /\/models\/([^/:]+):(?:batchE|e)mbedContents?$/, operation: 'embeddings', provider: 'gcp.gemini' },
]

/** Names of providers, as the conventions have them, by the end of the host they serve from. */
const providersByHost: readonly (readonly [host: string, provider: string])[] = [
  ['openai.com', 'openai'],
  ['azure.com', 'azure.ai.openai'],
  ['groq.com', 'groq'],
  ['deepseek.com', 'deepseek'],
  ['mistral.ai', 'mistral_ai'],
  ['perplexity.ai', 'perplexity'],
  ['x.ai', 'x_ai'],
  ['openrouter.ai', 'openrouter'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
]

/** A body says its model near its beginning or its end, and is not parsed for it. Quotes inside of texts are escaped. */
const modelInBody = /"model"\s*:\s*"([^"\\]{1,200})"/

/** The span of a request to a model, `undefined` for any other request. */
export function modelRequest(
  url: string,
  method: string,
  body: unknown,
  givenProvider: string | undefined,
): SpanShape | undefined {
  if (method !== 'POST' || !URL.canParse(url)) return undefined
  const { hostname, pathname } = new URL(url)
  for (const { path, operation, provider } of endpoints) {
    const found = path.exec(pathname)
    if (found === null) continue
    const model = found[1] ?? (typeof body === 'string' ? modelInBody.exec(body)?.[1] : undefined)
    const host = providersByHost.find(([end]) => hostname === end || hostname.endsWith(`.${end}`))
    const named = givenProvider ?? host?.[1] ?? provider
    return {
      name: model === undefined ? operation : `${operation} ${model}`,
      kind: SpanKind.CLIENT,
      attributes: {
        [ATTR_GEN_AI_OPERATION_NAME]: operation,
        ...(model !== undefined && { [ATTR_GEN_AI_REQUEST_MODEL]: model }),
        ...(named !== undefined && { [ATTR_GEN_AI_PROVIDER_NAME]: named }),
      },
    }
  }
  return undefined
}
