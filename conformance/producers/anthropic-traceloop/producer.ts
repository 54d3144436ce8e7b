import * as anthropic from '@anthropic-ai/sdk'
import { AnthropicInstrumentation } from '@traceloop/instrumentation-anthropic'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { anthropicCases } from '../../shared/anthropic-cases.ts'

export const producer: Producer = {
  title: '`@anthropic-ai/sdk` under Traceloop',
  packages: ['@anthropic-ai/sdk', '@traceloop/instrumentation-anthropic'],
  showsTools: false,
  start(setUp) {
    const instrumentation = new AnthropicInstrumentation()
    instrumentation.setTracerProvider(registerNodeSdk(setUp))
    instrumentation.manuallyInstrument(anthropic as never)
  },
  cases: anthropicCases((options) => new anthropic.Anthropic(options)),
}
