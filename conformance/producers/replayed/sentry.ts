import type { Attributes } from '@opentelemetry/api'

import { both, first, model, second, usageOf } from './bills.ts'
import type { Bill, ReplayedSpan } from './spans.ts'

const span = (operation: string, more: object): ReplayedSpan => ({
  name: `${operation} gpt-4.1-mini`,
  scope: '@sentry/node',
  attributes: { 'sentry.op': `gen_ai.${operation}`, 'gen_ai.operation.name': operation, 'gen_ai.system': 'openai' },
  ...more,
})
const call = (bill: Bill, more: Attributes = {}): ReplayedSpan =>
  span('chat', {
    late: { ...model, ...usageOf(bill), 'gen_ai.usage.total_tokens': bill.input + bill.output, ...more },
  })
const details = { 'gen_ai.usage.input_tokens.cached': 128, 'gen_ai.usage.output_tokens.reasoning': 5 }

/** `gen_ai.*` spans of `@sentry/node`: the agent repeats the sum, the total is beside its parts, cached input has a name of its own. */
export const sentry: readonly ReplayedSpan[] = [
  span('invoke_agent', {
    late: { ...model, ...usageOf(both), 'gen_ai.usage.total_tokens': both.input + both.output },
    below: [
      call(first, details),
      span('execute_tool', { isTool: true, late: { 'gen_ai.tool.name': 'search' } }),
      call(second),
    ],
  }),
]
