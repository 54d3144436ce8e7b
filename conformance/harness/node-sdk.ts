import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

import type { SetUp } from './producer.ts'

/** Registers SDK 2.x, as applications do. @returns the provider, for instrumentations that take one */
export function registerNodeSdk(setUp: SetUp): NodeTracerProvider {
  const provider = new NodeTracerProvider(setUp)
  provider.register({
    contextManager: new AsyncLocalStorageContextManager(),
    propagator: new W3CTraceContextPropagator(),
  })
  return provider
}
