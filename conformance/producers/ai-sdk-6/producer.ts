import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import * as ai from 'ai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { aiSdkCases, unwrappedAiSdkCases } from '../../common/ai-sdk-cases.ts'

const cases = aiSdkCases(
  {
    ...ai,
    createOpenAI,
    createAnthropic,
    stopAfter: ai.stepCountIs,
    telemetry: { experimental_telemetry: { isEnabled: true, functionId: 'librarian' } },
  },
  { tries: 'a span each', aborted: 'open' },
)

export const producer: Producer = {
  title: 'Vercel AI SDK 6',
  packages: ['ai', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start: (setUp) => void registerNodeSdk(setUp),
  rollup: { adopt: 'agents' },
  cases: [...cases, ...unwrappedAiSdkCases(cases)],
}
