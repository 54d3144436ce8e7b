import { observeOpenAI } from '@langfuse/openai'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../shared/openai-cases.ts'

export const producer: Producer = {
  title: '`openai` under Langfuse and OpenInference at once',
  packages: ['openai', '@langfuse/openai', '@arizeai/openinference-instrumentation-openai'],
  showsTools: false,
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    new OpenAIInstrumentation({ tracerProvider }).manuallyInstrument(OpenAI)
  },
  cases: openAiCases((options) => observeOpenAI(new OpenAI(options))),
}
