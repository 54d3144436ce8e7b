import { createOtlpEncoder, type OtlpEncoderOptions } from '../otlp/create-otlp-encoder.ts'
import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import type { DeliverySettings } from './delivery-settings.ts'
import { Destination } from './destination.ts'
import { HttpTransport } from './http-transport.ts'
import type { Lane } from './intake.ts'
import type { LossLog } from './loss-log.ts'

/** Makes the destinations. Those that are sent the same bytes share a lane, so that spans are encoded once for them. */
export function createLanes(settings: DeliverySettings, log: LossLog): readonly Lane[] {
  const lanes: { options: OtlpEncoderOptions; encoder: OtlpEncoder; destinations: Destination[] }[] = []
  for (const one of settings.destinations) {
    let lane = lanes.find(({ options }) => isSame(options, one.encoder))
    if (lane === undefined) {
      lane = { options: one.encoder, encoder: createOtlpEncoder(one.encoder), destinations: [] }
      lanes.push(lane)
    }
    const { encoder } = lane
    const transport = new HttpTransport(one)
    lane.destinations.push(new Destination({ settings: one, batching: settings, encoder, transport, log }))
  }
  return lanes
}

function isSame(one: OtlpEncoderOptions, other: OtlpEncoderOptions): boolean {
  return (Object.keys(one) as (keyof OtlpEncoderOptions)[]).every((name) => one[name] === other[name])
}
