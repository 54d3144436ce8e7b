import * as callbackManager from '@langchain/core/callbacks/manager'
import { LangChainInstrumentation } from '@traceloop/instrumentation-langchain'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { langChainCases } from '../../common/langchain-cases.ts'

export const producer: Producer = {
  title: 'LangChain and LangGraph under Traceloop',
  packages: ['langchain', '@langchain/openai', '@langchain/langgraph', '@traceloop/instrumentation-langchain'],
  showsTools: true,
  takesFetch: true,
  start(setUp) {
    const instrumentation = new LangChainInstrumentation()
    instrumentation.setTracerProvider(registerNodeSdk(setUp))
    instrumentation.manuallyInstrument({ callbackManagerModule: callbackManager })
  },
  cases: langChainCases({
    '': {
      unsaid: {
        cacheRead: 'Traceloop does not pass on how much of the input of LangChain came from a cache.',
        reasoning: 'Traceloop does not pass on how much of the output of LangChain is reasoning.',
      },
    },
    'a call through the Responses API': {
      untold: {
        is: () => true,
        because: 'Traceloop does not find the usage of LangChain’s calls of the Responses API.',
      },
    },
    embeddings: {
      untold: { is: () => true, because: 'Traceloop does not trace the embeddings of LangChain.', ends: 'unseen' },
    },
  }),
}
