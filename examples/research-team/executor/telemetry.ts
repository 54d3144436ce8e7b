/**
 * Another existing set-up: the official HTTP instrumentation for incoming requests, and OTLP as JSON.
 *
 * @module
 */
import { OpenTelemetry } from '@ai-sdk/otel'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { registerTelemetry } from 'ai'
import { RunIdGenerator, RunRollupProcessor } from 'runspan'

const sdk = new NodeSDK({
  idGenerator: new RunIdGenerator(),
  spanProcessors: [new RunRollupProcessor(), new BatchSpanProcessor(new OTLPTraceExporter())],
  instrumentations: [new HttpInstrumentation()],
})
sdk.start()
// With `usage` the spans carry reasoning tokens too, which have no other key there.
registerTelemetry(new OpenTelemetry({ usage: true }))

export const stopTelemetry = () => sdk.shutdown()
