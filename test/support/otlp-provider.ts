import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

import { RunIdGenerator, RunRollupProcessor } from '../../src/index.ts'

/** Weeks: what a slow machine sees is what a fast one sees, because no timer exports in between. */
const scheduledDelayMillis = 2_000_000_000

/**
 * Registers a provider that exports to a sink, for a fixture in a process of its own. Shut it down before the end:
 * nothing is exported before a flush or that.
 */
export function exportTo(sinkUrl: string): NodeTracerProvider {
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [
      new RunRollupProcessor(),
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${sinkUrl}/v1/traces` }), { scheduledDelayMillis }),
    ],
  })
  provider.register()
  return provider
}
