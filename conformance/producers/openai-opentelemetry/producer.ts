import { createRequire } from 'node:module'

import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import type * as openai from 'openai'

import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../shared/openai-cases.ts'

let OpenAI: typeof openai.OpenAI

export const producer: Producer = {
  title: '`openai` under `@opentelemetry/instrumentation-openai`, SDK 3',
  packages: ['openai', '@opentelemetry/instrumentation-openai', '@opentelemetry/sdk-trace'],
  showsTools: false,
  start(setUp) {
    const provider = new TracerProvider(setUp as never)
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(provider)
    new OpenAIInstrumentation().setTracerProvider(provider)
    // It patches what is required after it.
    ;({ OpenAI } = createRequire(import.meta.url)('openai') as typeof openai)
  },
  cases: openAiCases((options) => new OpenAI(options) as never),
}
