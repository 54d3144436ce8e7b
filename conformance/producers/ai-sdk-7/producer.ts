import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { OpenTelemetry } from '@ai-sdk/otel'
import * as ai from 'ai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { aiSdkCases, unwrappedAiSdkCases } from '../../common/ai-sdk-cases.ts'

const cases = aiSdkCases(
  {
    ...ai,
    createOpenAI,
    createAnthropic,
    stopAfter: ai.isStepCount,
    telemetry: { telemetry: { functionId: 'librarian' } },
  },
  {
    tries: 'one span',
    gaps: {
      'Anthropic, cache written for an hour, then read': {
        unsaid: { cacheWriteHour: 'The spans do not say how long a cache keeps what is written to it.' },
      },
      '': {
        unsaid: { reasoning: 'Only with supplemental usage do the spans say how much of the output is reasoning.' },
      },
    },
  },
)

export const producer: Producer = {
  title: 'Vercel AI SDK 7',
  packages: ['ai', '@ai-sdk/otel', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start(setUp) {
    registerNodeSdk(setUp)
    ai.registerTelemetry(new OpenTelemetry())
  },
  rollup: { adopt: 'agents' },
  cases: [...cases, ...unwrappedAiSdkCases(cases)],
}
