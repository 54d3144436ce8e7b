// The decoder that protobuf's compiler made from OTLP's own definitions: release 0.208 of the transformer holds it, later
// ones have an encoder by hand.
import root from 'otlp-messages/build/src/generated/root.js'

interface MessageType {
  decode(bytes: Uint8Array): unknown
  toObject(message: unknown, options: object): object
}

interface Packages {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: { readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: MessageType } } }
    }
  }
}

const { ExportTraceServiceRequest } = (root as unknown as Packages).opentelemetry.proto.collector.trace.v1

/**
 * A request as a plain object: 64-bit numbers as texts, bytes in base64, what was not sent as its default. That is so for
 * a status too, which the decoder shows as null.
 */
export function decodeOfficially(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const request = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(bytes), {
    longs: String,
    enums: Number,
    bytes: String,
    defaults: true,
  })
  return JSON.parse(JSON.stringify(request, withNames), withStatus) as Readonly<Record<string, unknown>>
}

/** JSON has no words for some doubles. */
function withNames(_name: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function withStatus(name: string, value: unknown): unknown {
  return name === 'status' && value === null ? { code: 0, message: '' } : value
}
