import { createRequire } from 'node:module'

import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import type * as openai from 'openai'

import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

let OpenAI: typeof openai.OpenAI

export const producer: Producer = {
  title: '`openai` under `@opentelemetry/instrumentation-openai`, SDK 3',
  packages: ['openai', '@opentelemetry/instrumentation-openai', '@opentelemetry/sdk-trace'],
  showsTools: false,
  takesFetch: true,
  start(setUp) {
    const provider = new TracerProvider(setUp)
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(provider)
    const instrumentation = new OpenAIInstrumentation()
    instrumentation.setTracerProvider(provider)
    instrumentation.setMeterProvider(metrics.getMeterProvider())
    // It patches what is required after it.
    ;({ OpenAI } = createRequire(import.meta.url)('openai') as typeof openai)
  },
  cases: openAiCases((options) => new OpenAI(options) as never, {
    '': {
      unsaid: {
        cacheRead: 'The instrumentation does not say how much of the input was cached.',
        reasoning: 'The instrumentation does not say how much of the output is reasoning.',
      },
    },
    'chat completion, a stream that is aborted': {
      untold: {
        is: () => true,
        because: 'The instrumentation never ends the span of a stream that is aborted.',
        ends: 'open',
      },
    },
  }),
}
