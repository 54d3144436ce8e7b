import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
} from '@opentelemetry/sdk-trace-node'

import { RunIdGenerator, RunRollupProcessor, RunSampler, RunSamplingProcessor } from '../../src/index.ts'

/** Registers a provider that samples all or nothing, and exports to a sink at least the roots. Shut it down at the end. */
export function exportSampledTo(sinkUrl: string, isSampled: boolean): NodeTracerProvider {
  const exporting = new BatchSpanProcessor(new OTLPTraceExporter({ url: `${sinkUrl}/v1/traces` }))
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    sampler: new RunSampler(isSampled ? new AlwaysOnSampler() : new AlwaysOffSampler()),
    spanProcessors: [new RunRollupProcessor({ prices: 'none' }), new RunSamplingProcessor(exporting)],
  })
  provider.register()
  return provider
}
