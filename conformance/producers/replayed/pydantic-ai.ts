import { SpanKind, type Attributes } from '@opentelemetry/api'

import { first, model, second, usageOf } from './bills.ts'
import type { Bill, ReplayedSpan } from './spans.ts'

const scope = 'pydantic-ai'
const call = (bill: Bill, more: Attributes = {}): ReplayedSpan => ({
  name: 'chat gpt-4.1-mini',
  scope,
  kind: SpanKind.CLIENT,
  attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', ...model },
  late: { ...usageOf(bill), ...more },
})

/** The aggregate of an agent goes on from the usage that it is handed, under keys of its own. */
export const pydanticAi: readonly ReplayedSpan[] = [
  {
    name: 'invoke_agent librarian',
    scope,
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'librarian' },
    late: { 'gen_ai.aggregated_usage.input_tokens': 99_000, 'gen_ai.aggregated_usage.output_tokens': 9000 },
    below: [
      call(first, {
        'gen_ai.usage.cache_read.input_tokens': 128,
        'gen_ai.usage.reasoning.output_tokens': 5,
        'gen_ai.usage.details.reasoning_tokens': 5,
      }),
      {
        name: 'execute_tool search',
        scope,
        isTool: true,
        attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
      },
      call(second),
    ],
  },
]
