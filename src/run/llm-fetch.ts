import { context } from '@opentelemetry/api'

import { checkOptions } from '../check-options.ts'
import { FetchedCall } from './fetched-call.ts'
import { modelRequest } from './model-request.ts'
import type { SpanShape } from './span-shape.ts'
import { guarded } from './stats.ts'
import { activeTracer, runWork, startShaped } from './work-span.ts'

type Fetch = typeof globalThis.fetch

/** What {@link llmFetch} is told. */
export interface LlmFetchOptions {
  /**
   * `gen_ai.provider.name`: who bills, where the host does not tell, as that of a gateway. @defaultValue by the host, else
   * by the API that nobody else has, else none: then models with a name of their own have a price
   */
  readonly provider?: string | undefined
}

/**
 * Makes a `fetch` for a model client that records each request to a model as one model call, with all that the answer
 * says of its usage: span `chat {model}`, below whatever is active. Frameworks and instrumentations pass on a part of
 * that; where one of them records the same call, it stays one call, and has what both know.
 *
 * It knows the requests of OpenAI's, Anthropic's and Gemini's APIs by their paths, and whoever speaks like them. Any
 * other request passes untouched. Bodies pass as they are read; an answer is a new `Response` without `url`,
 * `redirected` and `type`.
 *
 * @param fetchFn what sends the request. @defaultValue the global one, at the time of each request
 * @param options what no request says of itself
 * @throws {@link RunspanError} `bad_configuration` where there is no such option
 *
 * @example
 * ```ts
 * import { createOpenAI } from '@ai-sdk/openai'
 * import { llmFetch } from 'runspan'
 *
 * export const openai = createOpenAI({ fetch: llmFetch() })
 * ```
 */
export function llmFetch(fetchFn?: Fetch, options: LlmFetchOptions = {}): Fetch {
  checkOptions('llmFetch', options, { provider: true })
  const { provider } = options
  return function tracedFetch(input: Parameters<Fetch>[0], init?: Parameters<Fetch>[1]): Promise<Response> {
    const send = fetchFn ?? globalThis.fetch
    const shape = guarded('llmFetch', () => shapeOfRequest(input, init, provider))
    if (shape === undefined) return send(input, init)
    const work = startShaped(context.active(), activeTracer(), shape, (span, ctx) => new FetchedCall(span, ctx))
    return runWork(work, async () => {
      const response = await send(input, init)
      work.answered(response)
      return response
    })
  }
}

function shapeOfRequest(
  input: Parameters<Fetch>[0],
  init: Parameters<Fetch>[1],
  provider: string | undefined,
): SpanShape | undefined {
  const request = typeof input === 'string' || input instanceof URL ? undefined : input
  const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
  return modelRequest(url, (init?.method ?? request?.method ?? 'GET').toUpperCase(), init?.body, provider)
}
