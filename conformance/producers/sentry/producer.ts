import * as core from '@sentry/core'
import * as sentry from '@sentry/opentelemetry'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import OpenAI from 'openai'

import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'

export const producer: Producer = {
  title: '`openai` under Sentry 10, in an OpenTelemetry set-up of one’s own',
  packages: ['openai', '@sentry/core', '@sentry/opentelemetry'],
  showsTools: false,
  takesFetch: true,
  start({ idGenerator, spanProcessors }) {
    sentry.setOpenTelemetryContextAsyncContextStrategy()
    const options: ConstructorParameters<typeof core.ServerRuntimeClient>[0] = {
      dsn: 'http://key@127.0.0.1:9/1',
      tracesSampleRate: 1,
      integrations: [],
      stackParser: () => [],
      // What it would send to Sentry goes nowhere.
      transport: (made) => core.createTransport(made, () => Promise.resolve({})),
    }
    const client = new (sentry.wrapClientClass(core.ServerRuntimeClient as never))(options)
    core.setCurrentClient(client)
    client.init()
    const Manager = sentry.wrapContextManagerClass(AsyncLocalStorageContextManager)
    new NodeTracerProvider({
      idGenerator,
      sampler: new sentry.SentrySampler(client),
      spanProcessors: [...spanProcessors, new sentry.SentrySpanProcessor()],
    }).register({ contextManager: new Manager(), propagator: new sentry.SentryPropagator() })
  },
  cases: openAiCases((options) => core.instrumentOpenAiClient(new OpenAI(options)) as never, {
    '': { unsaid: { reasoning: 'Sentry does not say how much of the output is reasoning.' } },
  }),
}
