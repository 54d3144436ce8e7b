import type { Attributes } from '@opentelemetry/api'

import type { Bill } from './spans.ts'

export const claude: Bill = {
  model: 'claude-sonnet-4-5',
  endpoint: '/v1/messages',
  input: 3100,
  cacheRead: 2000,
  cacheWrite: 1000,
  output: 50,
}
export const first: Bill = { input: 300, cacheRead: 128, output: 20, reasoning: 5 }
export const second: Bill = { input: 420, output: 30 }
export const both: Bill = { input: first.input + second.input, output: first.output + second.output }
export const embedded: Bill = { model: 'text-embedding-3-small', endpoint: '/v1/embeddings', input: 12, output: 0 }

/** The model of the first two, under the conventions' keys. */
export const model = { 'gen_ai.request.model': 'gpt-4.1-mini', 'gen_ai.response.model': 'gpt-4.1-mini-2025-04-14' }

/** A bill under the conventions' keys. */
export function usageOf({ input, output }: Bill): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output }
}
