import Anthropic from '@anthropic-ai/sdk'
import { AnthropicInstrumentation } from '@arizeai/openinference-instrumentation-anthropic'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { anthropicCases } from '../../common/anthropic-cases.ts'

export const producer: Producer = {
  title: '`@anthropic-ai/sdk` under OpenInference, beside the spans it writes itself',
  packages: ['@anthropic-ai/sdk', '@arizeai/openinference-instrumentation-anthropic'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    // ES modules are instrumented by hand, as its documentation says.
    new AnthropicInstrumentation({ tracerProvider }).manuallyInstrument(Anthropic)
  },
  cases: anthropicCases((options) => new Anthropic(options)),
}
