import { observeOpenAI } from '@langfuse/openai'
import { OpenAIInstrumentation } from '@traceloop/instrumentation-openai'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

export const producer: Producer = {
  title: '`openai` under Langfuse and Traceloop at once',
  packages: ['openai', '@langfuse/openai', '@traceloop/instrumentation-openai'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const instrumentation = new OpenAIInstrumentation()
    instrumentation.setTracerProvider(registerNodeSdk(setUp))
    instrumentation.manuallyInstrument(OpenAI)
  },
  cases: openAiCases((options) => observeOpenAI(new OpenAI(options)) as never, {
    'chat completion, refused for good': {
      failed: { calls: 1, open: 1, because: 'Traceloop never ends the span of a call that fails; Langfuse does.' },
    },
    'chat completion, a stream that is aborted': {
      untold: {
        is: () => true,
        because: 'Neither Langfuse nor Traceloop ends the span of a stream that is aborted.',
        ends: 'open',
      },
      failed: { calls: 0, open: 1 },
    },
    embeddings: { untold: { is: () => true, because: 'Langfuse does not record the usage of embeddings.' } },
  }),
}
