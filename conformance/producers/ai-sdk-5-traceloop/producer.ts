import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import * as traceloop from '@traceloop/node-server-sdk'
import * as ai from 'ai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { aiSdkCases } from '../../common/ai-sdk-cases.ts'
import type { Gap } from '../../common/gaps.ts'

/** Put Runspan's processor before Traceloop's, and these are right too. */
const withoutMetadata: Gap = {
  reduced: {
    to: (entry) => ({
      ...entry,
      inputTokens: entry.inputTokens - entry.cachedInputTokens,
      cachedInputTokens: 0,
      cacheWriteHourInputTokens: 0,
    }),
    because:
      'Traceloop takes out of the spans what AI SDK 5 says of Anthropic’s cache reads. It does not where Runspan’s processor is before Traceloop’s.',
  },
}

export const producer: Producer = {
  title: 'Vercel AI SDK 5, rewritten by Traceloop before Runspan sees it',
  packages: ['ai', '@traceloop/node-server-sdk', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start({ idGenerator, spanProcessors }) {
    const processor = traceloop.createSpanProcessor({
      exporter: new InMemorySpanExporter(),
      disableBatch: true,
      allowedInstrumentationLibraries: traceloop.ALL_INSTRUMENTATION_LIBRARIES,
    })
    registerNodeSdk({ idGenerator, spanProcessors: [processor, ...spanProcessors] })
  },
  cases: aiSdkCases(
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
        'Anthropic, cache written for 5 minutes, then read': withoutMetadata,
        'Anthropic, cache written for an hour, then read': withoutMetadata,
        'a model that reasons': {
          unsaid: { reasoning: 'The spans of `generateText` do not say how much of the output is reasoning.' },
        },
        'generateText, steps with tools': {
          unsaid: { cacheRead: 'The spans of `generateText` do not say how much of OpenAI’s input was cached.' },
        },
      },
    },
  ),
}
