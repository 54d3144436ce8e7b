import { SpanKind, type Attributes } from '@opentelemetry/api'

import { both, first, model, second, usageOf } from './bills.ts'
import type { Bill, ReplayedSpan } from './spans.ts'

const scope = 'agents'
const provider = { 'gen_ai.provider.name': 'openai', ...model }
const call = (bill: Bill, more: Attributes = {}): ReplayedSpan => ({
  name: 'chat gpt-4.1-mini',
  scope,
  kind: SpanKind.CLIENT,
  attributes: { 'gen_ai.operation.name': 'chat', ...provider },
  late: { ...usageOf(bill), ...more },
})
const details = { 'gen_ai.usage.cache_read.input_tokens': 128, 'gen_ai.usage.reasoning.output_tokens': 5 }

/** A turn of a Durable Object: the agent repeats the sum under the keys of its calls. */
export const cloudflare: readonly ReplayedSpan[] = [
  {
    name: 'invoke_agent Librarian',
    scope,
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'Librarian' },
    late: { ...usageOf(both), ...details, 'cloudflare.agents.usage.total_tokens': both.input + both.output },
    below: [
      call(first, details),
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
