/**
 * The preset again; this process sends protobuf, compressed, because its environment says so.
 *
 * @module
 */
import { OpenTelemetry } from '@ai-sdk/otel'
import { registerTelemetry } from 'ai'
import { registerRunspan } from 'runspan/node'

const runspan = registerRunspan()
registerTelemetry(new OpenTelemetry())

export async function stopTelemetry(): Promise<void> {
  const { status, failedSpans, droppedSpans } = await runspan.shutdown()
  if (status !== 'completed') throw new Error(`Telemetry ${status}: ${failedSpans + droppedSpans} span(s) were lost.`)
}
