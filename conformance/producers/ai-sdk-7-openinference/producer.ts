import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { OpenTelemetry } from '@ai-sdk/otel'
import { OpenInferenceSimpleSpanProcessor } from '@arizeai/openinference-vercel'
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import * as ai from 'ai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { aiSdkCases } from '../../common/ai-sdk-cases.ts'

export const producer: Producer = {
  title: 'Vercel AI SDK 7, rewritten by OpenInference before Runspan sees it',
  packages: ['ai', '@ai-sdk/otel', '@arizeai/openinference-vercel', '@ai-sdk/openai', '@ai-sdk/anthropic'],
  showsTools: true,
  takesFetch: true,
  start({ idGenerator, spanProcessors }) {
    const openInference = new OpenInferenceSimpleSpanProcessor({ exporter: new InMemorySpanExporter() })
    registerNodeSdk({ idGenerator, spanProcessors: [openInference, ...spanProcessors] })
    ai.registerTelemetry(new OpenTelemetry({ usage: true, providerMetadata: true, embedding: true }))
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
