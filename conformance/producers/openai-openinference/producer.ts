import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

const streams = {
  untold: {
    is: ({ stream }: { readonly stream: boolean }) => stream,
    because: 'OpenInference does not record the usage of streamed chat completions, also where OpenAI says it.',
  },
}

export const producer: Producer = {
  title: '`openai` under OpenInference',
  packages: ['openai', '@arizeai/openinference-instrumentation-openai'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    // ES modules are instrumented by hand, as its documentation says.
    new OpenAIInstrumentation({ tracerProvider }).manuallyInstrument(OpenAI)
  },
  cases: openAiCases((options) => new OpenAI(options), {
    'chat completion, a stream with `include_usage`': streams,
    'chat completion, a stream that is aborted': streams,
    'six chat completions at once, half of them streams': streams,
    'chat completion, refused for good': {
      failed: { calls: 0, open: 1, because: 'OpenInference never ends the span of a call that fails.' },
    },
    embeddings: {
      untold: { is: () => true, because: 'OpenInference does not record the usage of embeddings.' },
    },
  }),
}
