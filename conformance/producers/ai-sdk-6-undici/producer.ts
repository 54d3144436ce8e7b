import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import * as ai from 'ai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { aiSdkCases } from '../../common/ai-sdk-cases.ts'

export const producer: Producer = {
  title: 'Vercel AI SDK 6, with its `fetch` instrumented',
  packages: ['ai', '@opentelemetry/instrumentation-undici', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start(setUp) {
    new UndiciInstrumentation().setTracerProvider(registerNodeSdk(setUp))
  },
  cases: aiSdkCases(
    {
      ...ai,
      createOpenAI,
      createAnthropic,
      stopAfter: ai.stepCountIs,
      telemetry: { experimental_telemetry: { isEnabled: true, functionId: 'librarian' } },
    },
    { tries: 'a span each', aborted: 'open' },
  ),
}
