/**
 * An OpenTelemetry set-up as many services have it, and two lines more: the id generator and the rollup processor.
 *
 * @module
 */
import { OpenTelemetry } from '@ai-sdk/otel'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { registerTelemetry } from 'ai'
import { RunIdGenerator, RunRollupProcessor } from 'runspan'

const sdk = new NodeSDK({
  idGenerator: new RunIdGenerator(),
  spanProcessors: [new RunRollupProcessor(), new BatchSpanProcessor(new OTLPTraceExporter())],
  // Puts `traceparent` and `tracestate` on every fetch: to the executor, and to the model server too.
  instrumentations: [new UndiciInstrumentation()],
})
sdk.start()
registerTelemetry(new OpenTelemetry())

export const stopTelemetry = () => sdk.shutdown()
