import * as anthropic from '@anthropic-ai/sdk'
import { AnthropicInstrumentation } from '@traceloop/instrumentation-anthropic'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { anthropicCases } from '../../common/anthropic-cases.ts'

export const producer: Producer = {
  title: '`@anthropic-ai/sdk` under Traceloop, above the spans it writes itself',
  packages: ['@anthropic-ai/sdk', '@traceloop/instrumentation-anthropic'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const instrumentation = new AnthropicInstrumentation()
    instrumentation.setTracerProvider(registerNodeSdk(setUp))
    instrumentation.manuallyInstrument(anthropic as never)
  },
  cases: anthropicCases((options) => new anthropic.Anthropic(options) as never, {
    'message, a stream that is aborted': {
      untold: undefined,
      unsaid: {
        output: 'Anthropic says the output of a stream at its end. Who hangs up before learns the input only.',
      },
      failed: { calls: 0, open: 1, because: 'Traceloop never ends the span of a stream that is aborted.' },
    },
  }),
}
