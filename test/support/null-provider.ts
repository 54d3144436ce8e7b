import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

import { RunIdGenerator, RunRollupProcessor, type RollupOptions } from '../../src/index.ts'

/** Everything is set up as in an application, and every span is dropped where it would be exported. */
export function registerNullProvider(
  rollup: RollupOptions = {},
): Disposable & { readonly provider: NodeTracerProvider } {
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [
      new RunRollupProcessor(rollup),
      new SimpleSpanProcessor({ export: (_spans, done) => done({ code: 0 }), shutdown: () => Promise.resolve() }),
    ],
  })
  provider.register({ contextManager: new AsyncLocalStorageContextManager() })
  return {
    provider,
    [Symbol.dispose]() {
      trace.disable()
      context.disable()
    },
  }
}
