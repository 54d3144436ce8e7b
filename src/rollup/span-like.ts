import type { Attributes, Context, SpanContext } from '@opentelemetry/api'

/**
 * An SDK span as every version from 2.0 to 3.1 has it; read structurally, because the SDK's own types differ between
 * its majors. Attribute values are read as unknown: 3.x keeps what 2.x drops.
 */
export interface ReadableSpanLike {
  readonly name: string
  readonly kind: number
  readonly attributes: Attributes
  readonly status: { readonly code: number }
  readonly startTime: readonly [number, number]
  readonly endTime?: readonly [number, number] | undefined
  readonly events?: readonly unknown[] | undefined
  readonly parentSpanContext?: SpanContext | undefined
  readonly instrumentationScope?: { readonly name: string } | undefined
  spanContext(): SpanContext
}

/** OpenTelemetry's `SpanProcessor`, structurally. */
export interface SpanProcessorLike {
  onStart(span: never, parentContext: Context): void
  onEnd(span: never): void
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
}

/** `SpanStatusCode.ERROR`, as a number: spans are read structurally. */
export const statusError = 2
