// Compiled, never run: what applications of SDK 2.x write has to type-check against the SDK's own types.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  RandomIdGenerator,
} from '@opentelemetry/sdk-trace-node'
import { RunIdGenerator, RunRollupProcessor, RunSampler, RunSamplingProcessor } from 'runspan'
import { registerRunspan, type FlushReport } from 'runspan/node'

const exporter = new OTLPTraceExporter()
export const provider = new NodeTracerProvider({
  idGenerator: new RunIdGenerator(new RandomIdGenerator()),
  sampler: new RunSampler(new AlwaysOnSampler(), { ratio: 0.1 }),
  spanProcessors: [
    new RunRollupProcessor(),
    new RunSamplingProcessor(new BatchSpanProcessor(exporter), { keep: { failed: true } }),
  ],
})
export const flushed: Promise<FlushReport> = registerRunspan({
  exporter,
  sampler: new AlwaysOnSampler(),
  idGenerator: new RandomIdGenerator(),
  spanProcessors: [new BatchSpanProcessor(new InMemorySpanExporter())],
}).flush()
