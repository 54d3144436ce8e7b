import { initializeLaminarInstrumentations } from '@lmnr-ai/lmnr'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

const streams = {
  untold: {
    is: ({ stream }: { readonly stream: boolean }) => stream,
    because: 'Laminar does not record the usage of streams, also where OpenAI says it.',
  },
}

export const producer: Producer = {
  title: '`openai` under Laminar',
  packages: ['openai', '@lmnr-ai/lmnr'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    // Nothing is sent to Laminar: its processor is left out.
    const found = initializeLaminarInstrumentations({ apiKey: 'none', instrumentModules: { openAI: OpenAI } })
    for (const instrumentation of found) instrumentation.setTracerProvider(tracerProvider)
  },
  cases: openAiCases((options) => new OpenAI(options) as never, {
    '': {
      unsaid: {
        cacheRead: 'Laminar does not say how much of the input was cached.',
        reasoning: 'Laminar does not say how much of the output is reasoning.',
      },
    },
    'chat completion, a stream with `include_usage`': streams,
    'six chat completions at once, half of them streams': streams,
    'response, a stream': streams,
    'chat completion, a stream that is aborted': {
      untold: { is: () => true, because: 'Laminar never ends the span of a stream that is aborted.', ends: 'open' },
    },
    'chat completion, refused for good': {
      failed: { calls: 0, open: 1, because: 'Laminar never ends the span of a call that fails.' },
    },
    embeddings: { untold: { is: () => true, because: 'Laminar makes no spans of embeddings.', ends: 'unseen' } },
  }),
}
