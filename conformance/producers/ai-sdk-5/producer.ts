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
  {
    tries: 'a span each',
    aborted: 'open',
    gaps: {
      'a model that reasons': {
        unsaid: { reasoning: 'The spans of `generateText` do not say how much of the output is reasoning.' },
      },
      'generateText, steps with tools': {
        unsaid: { cacheRead: 'The spans of `generateText` do not say how much of OpenAI’s input was cached.' },
      },
    },
  },
)

export const producer: Producer = {
  title: 'Vercel AI SDK 5',
  packages: ['ai', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start: (setUp) => void registerNodeSdk(setUp),
  rollup: { adopt: 'agents' },
  cases: [...cases, ...unwrappedAiSdkCases(cases)],
}
