/**
 * No set-up of its own, so Runspan's preset makes one; endpoint, protocol and service name come from the environment.
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
