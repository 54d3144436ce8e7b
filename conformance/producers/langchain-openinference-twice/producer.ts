import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import * as callbackManager from '@langchain/core/callbacks/manager'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { langChainCases, unwrappedLangChainCases } from '../../shared/langchain-cases.ts'

/**
 * What is no double: OpenInference's span of the client never ends where the call fails, and says nothing of the usage of
 * a stream, so that it shows up as a call of its own whose cost nobody knows.
 */
const notTwice = new Set(['refused once, then answered', 'an agent that is refused for good', 'a stream'])

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
    }).filter(({ title }) => !notTwice.has(title)),
    ...unwrappedLangChainCases(),
  ],
}
