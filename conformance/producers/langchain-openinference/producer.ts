import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain'
import * as callbackManager from '@langchain/core/callbacks/manager'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { langChainCases, unwrappedLangChainCases } from '../../common/langchain-cases.ts'

export const producer: Producer = {
  title: 'LangChain and LangGraph under OpenInference',
  packages: [
    'langchain',
    '@langchain/openai',
    '@langchain/langgraph',
    '@arizeai/openinference-instrumentation-langchain',
  ],
  showsTools: true,
  takesFetch: true,
  rollup: { adopt: 'agents' },
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    new LangChainInstrumentation({ tracerProvider }).manuallyInstrument(callbackManager)
  },
  cases: [
    ...langChainCases({
      embeddings: {
        untold: {
          is: () => true,
          because: 'OpenInference does not trace the embeddings of LangChain.',
          ends: 'unseen',
        },
      },
    }),
    ...unwrappedLangChainCases(),
  ],
}
