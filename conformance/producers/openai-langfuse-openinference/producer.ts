import { observeOpenAI } from '@langfuse/openai'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

export const producer: Producer = {
  title: '`openai` under Langfuse and OpenInference at once',
  packages: ['openai', '@langfuse/openai', '@arizeai/openinference-instrumentation-openai'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    new OpenAIInstrumentation({ tracerProvider }).manuallyInstrument(OpenAI)
  },
  cases: openAiCases((options) => observeOpenAI(new OpenAI(options)), {
    'chat completion, refused for good': {
      failed: { calls: 1, open: 1, because: 'OpenInference never ends the span of a call that fails; Langfuse does.' },
    },
    'chat completion, a stream that is aborted': {
      untold: {
        is: () => true,
        because:
          'Langfuse never ends the span of a stream that is aborted, and OpenInference does not when Langfuse hangs up.',
        ends: 'open',
      },
      unread: 'Langfuse hangs up on its branch of the stream, and nobody reads or hangs up on that of OpenInference.',
      failed: { calls: 0, open: 1 },
    },
    embeddings: {
      untold: { is: () => true, because: 'Neither Langfuse nor OpenInference records the usage of embeddings.' },
    },
  }),
}
