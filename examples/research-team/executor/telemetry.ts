/**
 * Another existing set-up, with the official HTTP instrumentation for incoming requests. It exports with Runspan's
 * processor, as JSON; the planner shows that any other does too.
 *
 * @module
 */
import { OpenTelemetry } from '@ai-sdk/otel'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { registerTelemetry } from 'ai'
import { RunIdGenerator, RunRollupProcessor } from 'runspan'
import { RunspanSpanProcessor } from 'runspan/export'

const sdk = new NodeSDK({
  idGenerator: new RunIdGenerator(),
  spanProcessors: [new RunRollupProcessor(), new RunspanSpanProcessor({ protocol: 'http/json' })],
  instrumentations: [new HttpInstrumentation()],
})
sdk.start()
// With `usage` the spans carry reasoning tokens too, which have no other key there.
registerTelemetry(new OpenTelemetry({ usage: true }))

export const stopTelemetry = () => sdk.shutdown()
