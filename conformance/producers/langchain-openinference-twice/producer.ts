import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import * as callbackManager from '@langchain/core/callbacks/manager'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { langChainCases, unwrappedLangChainCases } from '../../common/langchain-cases.ts'

const because = 'OpenInference never ends the span of a call of the client that fails.'

export const producer: Producer = {
  title: 'LangChain and the `openai` below it, both under OpenInference',
  packages: [
    'langchain',
    '@langchain/openai',
    'openai',
    '@arizeai/openinference-instrumentation-langchain',
    '@arizeai/openinference-instrumentation-openai',
  ],
  showsTools: true,
  takesFetch: true,
  rollup: { adopt: 'agents' },
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    new LangChainInstrumentation({ tracerProvider }).manuallyInstrument(callbackManager)
    new OpenAIInstrumentation({ tracerProvider }).manuallyInstrument(OpenAI)
  },
  cases: [
    ...langChainCases({
      embeddings: {
        untold: { is: () => true, because: 'OpenInference does not record the usage of embeddings.' },
      },
      'refused once, then answered': { failed: { calls: 0, open: 1, because } },
      'an agent that is refused for good': { failed: { calls: 1, open: 1, because } },
    }),
    ...unwrappedLangChainCases(),
  ],
}
