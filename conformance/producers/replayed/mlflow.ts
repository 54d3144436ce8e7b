import type { Attributes } from '@opentelemetry/api'

import { both, first, second } from './bills.ts'
import type { Bill, ReplayedSpan } from './spans.ts'

const span = (name: string, type: string, more: object): ReplayedSpan => ({
  name,
  scope: 'mlflow',
  attributes: { 'mlflow.spanType': JSON.stringify(type) },
  ...more,
})
const tokensOf = ({ input, output, cacheRead }: Bill): Attributes => ({
  'mlflow.chat.tokenUsage': JSON.stringify({
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    ...(cacheRead !== undefined && { cache_read_input_tokens: cacheRead }),
  }),
})
const named = { 'mlflow.llm.model': '"gpt-4.1-mini"', 'mlflow.llm.provider': '"openai"' }
const call = (bill: Bill): ReplayedSpan => span('Completions', 'CHAT_MODEL', { late: { ...named, ...tokensOf(bill) } })

/** Every attribute is JSON, marks and names too, and wrappers repeat what they wrap. */
export const mlflow: readonly ReplayedSpan[] = [
  span('librarian', 'AGENT', {
    late: { ...named, ...tokensOf(both) },
    below: [call(first), span('search', 'TOOL', { isTool: true }), call(second)],
  }),
]
