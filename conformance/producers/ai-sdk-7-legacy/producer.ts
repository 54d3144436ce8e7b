import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { LegacyOpenTelemetry } from '@ai-sdk/otel'
import * as ai from 'ai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { aiSdkCases } from '../../common/ai-sdk-cases.ts'

export const producer: Producer = {
  title: 'Vercel AI SDK 7, LegacyOpenTelemetry',
  packages: ['ai', '@ai-sdk/otel', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start(setUp) {
    registerNodeSdk(setUp)
    ai.registerTelemetry(new LegacyOpenTelemetry())
  },
  cases: aiSdkCases(
    {
      ...ai,
      createOpenAI,
      createAnthropic,
      stopAfter: ai.isStepCount,
      telemetry: { telemetry: { functionId: 'librarian' } },
    },
    { tries: 'one span' },
  ),
}
