import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

import { RunIdGenerator, RunRollupProcessor } from '../../src/index.ts'

/** Registers a provider that exports to a sink, for a fixture in a process of its own. Shut it down before the end. */
export function exportTo(sinkUrl: string): NodeTracerProvider {
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [
      new RunRollupProcessor(),
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${sinkUrl}/v1/traces` })),
    ],
  })
  provider.register()
  return provider
}
