import { OpenAIInstrumentation } from '@traceloop/instrumentation-openai'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

const streams = {
  untold: {
    is: ({ stream }: { readonly stream: boolean }) => stream,
    because: 'Traceloop does not record the usage of streams, also where OpenAI says it.',
  },
}

export const producer: Producer = {
  title: '`openai` under Traceloop',
  packages: ['openai', '@traceloop/instrumentation-openai'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const instrumentation = new OpenAIInstrumentation()
    instrumentation.setTracerProvider(registerNodeSdk(setUp))
    instrumentation.manuallyInstrument(OpenAI)
  },
  cases: openAiCases((options) => new OpenAI(options) as never, {
    '': {
      unsaid: {
        cacheRead: 'Traceloop does not say how much of the input was cached.',
        reasoning: 'Traceloop does not say how much of the output is reasoning.',
      },
    },
    'chat completion, a stream with `include_usage`': streams,
    'six chat completions at once, half of them streams': streams,
    'response, a stream': streams,
    'chat completion, a stream that is aborted': {
      untold: { is: () => true, because: 'Traceloop never ends the span of a stream that is aborted.', ends: 'open' },
    },
    'chat completion, refused for good': {
      failed: { calls: 0, open: 1, because: 'Traceloop never ends the span of a call that fails.' },
    },
    embeddings: { untold: { is: () => true, because: 'Traceloop makes no spans of embeddings.', ends: 'unseen' } },
  }),
}
