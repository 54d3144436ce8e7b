import type { SpanContext } from '@opentelemetry/api'

/** Seconds and nanoseconds, as the SDK keeps times. */
type SecondsAndNanos = readonly [number, number]

/** Attributes as any SDK has them: 3.x keeps maps, bytes and nulls, which 2.x drops. */
export type ExportableAttributes = Readonly<Record<string, unknown>>

/** An event on a span, read structurally. */
export interface ExportableEvent {
  readonly name: string
  readonly time: SecondsAndNanos
  readonly attributes?: ExportableAttributes | undefined
  readonly droppedAttributesCount?: number | undefined
}

/** A link of a span, read structurally. */
export interface ExportableLink {
  readonly context: SpanContext
  readonly attributes?: ExportableAttributes | undefined
  readonly droppedAttributesCount?: number | undefined
}

/** What made a span: the library, and the version of it. */
export interface ExportableScope {
  readonly name: string
  readonly version?: string | undefined
  readonly schemaUrl?: string | undefined
  readonly attributes?: ExportableAttributes | undefined
  readonly droppedAttributesCount?: number | undefined
}

/** What a span is about: the service. Detectors may still be at work when the first spans end. */
export interface ExportableResource {
  readonly attributes: ExportableAttributes
  readonly schemaUrl?: string | undefined
  readonly asyncAttributesPending?: boolean | undefined
  waitForAsyncAttributes?(): Promise<void>
}

/** An ended SDK span as every version from 2.0 to 3.1 has it, with all that OTLP asks for. */
export interface ExportableSpan {
  readonly name: string
  readonly kind: number
  readonly startTime: SecondsAndNanos
  readonly endTime: SecondsAndNanos
  readonly status: { readonly code: number; readonly message?: string | undefined }
  readonly attributes: ExportableAttributes
  readonly events: readonly ExportableEvent[]
  readonly links: readonly ExportableLink[]
  readonly resource: ExportableResource
  readonly instrumentationScope: ExportableScope
  readonly parentSpanContext?: SpanContext | undefined
  readonly droppedAttributesCount?: number | undefined
  readonly droppedEventsCount?: number | undefined
  readonly droppedLinksCount?: number | undefined
  spanContext(): SpanContext
}
