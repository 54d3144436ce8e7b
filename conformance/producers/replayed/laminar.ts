import type { Attributes } from '@opentelemetry/api'

import { first, model, second, usageOf } from './bills.ts'
import type { Bill, ReplayedSpan } from './spans.ts'

const span = (name: string, type: string, more: object): ReplayedSpan => ({
  name,
  scope: 'lmnr.openai',
  attributes: { 'lmnr.span.type': type, 'lmnr.span.path': ['librarian', name] },
  ...more,
})
const call = (bill: Bill, more: Attributes = {}): ReplayedSpan =>
  span('openai.chat', 'LLM', {
    late: {
      'gen_ai.system': 'openai',
      ...model,
      ...usageOf(bill),
      'llm.usage.total_tokens': bill.input + bill.output,
      ...more,
    },
  })
const details = { 'gen_ai.usage.cache_read_input_tokens': 128, 'gen_ai.usage.reasoning_output_tokens': 5 }
const embed = {
  'gen_ai.system': 'openai',
  'gen_ai.request.model': 'text-embedding-3-small',
  'gen_ai.usage.input_tokens': 12,
}

/** `observe` around calls that Laminar traces itself; its functions carry no mark of an agent. */
export const laminar: readonly ReplayedSpan[] = [
  span('librarian', 'DEFAULT', {
    below: [
      call(first, details),
      span('search', 'TOOL', { isTool: true }),
      call(second),
      span('openai.embeddings', 'LLM', { late: embed }),
    ],
  }),
]
