import { SpanKind } from '@opentelemetry/api'

import type { ReplayedSpan } from './spans.ts'

const attributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'anthropic',
  'gen_ai.request.model': 'claude-sonnet-4-5',
  'gen_ai.usage.input_tokens': 3100,
  'gen_ai.usage.output_tokens': 50,
  'gen_ai.usage.cache_read.input_tokens': 2000,
  'gen_ai.usage.cache_creation.input_tokens': 1000,
}
const scope = 'com.anthropic.claude-platform'

/** Both sides of the Claude API write the usage of one call. */
export const claudePlatform: readonly ReplayedSpan[] = [
  {
    name: 'anthropic.messages.create',
    scope: 'com.anthropic.sdk.typescript',
    kind: SpanKind.CLIENT,
    attributes,
    below: [
      {
        name: 'messages',
        scope,
        kind: SpanKind.SERVER,
        attributes,
        below: [{ name: 'inference', scope, attributes }],
      },
    ],
  },
]
