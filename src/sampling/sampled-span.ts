import { TraceFlags, type Attributes, type SpanContext } from '@opentelemetry/api'

import { setState, stateOf } from '../run/span-state.ts'

/** OpenTelemetry's `ReadableSpan`, structurally: what exporters of every kind read. */
export interface EndedSpanLike {
  readonly name: string
  readonly kind: number
  readonly parentSpanContext?: SpanContext | undefined
  readonly startTime: readonly [number, number]
  readonly endTime: readonly [number, number]
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: Attributes
  readonly links: readonly unknown[]
  readonly events: readonly { readonly attributes?: Attributes | undefined }[]
  readonly duration: readonly [number, number]
  readonly ended: boolean
  readonly resource: unknown
  readonly instrumentationScope: { readonly name: string }
  readonly droppedAttributesCount: number
  readonly droppedEventsCount: number
  readonly droppedLinksCount: number
  spanContext(): SpanContext
}

/** Whether a span has the sampled flag, without which stock processors export nothing. */
export function isSampled(spanContext: SpanContext): boolean {
  return (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0
}

/**
 * An ended span that says it is sampled. The span itself stays as it is: other processors hold it too, and its children
 * were told the truth.
 *
 * It has the fields of a `ReadableSpan` and none of the SDK's own, copied and not inherited: what exporters read must
 * not depend on how the SDK keeps it.
 */
export class SampledSpan implements EndedSpanLike {
  name: string
  kind: number
  parentSpanContext: SpanContext | undefined
  startTime: readonly [number, number]
  endTime: readonly [number, number]
  status: EndedSpanLike['status']
  attributes: Attributes
  links: readonly unknown[]
  events: EndedSpanLike['events']
  duration: readonly [number, number]
  ended: boolean
  resource: unknown
  instrumentationScope: EndedSpanLike['instrumentationScope']
  droppedAttributesCount: number
  droppedEventsCount: number
  droppedLinksCount: number
  readonly #spanContext: SpanContext

  /** @param attributes in place of the span's own */
  constructor(span: EndedSpanLike, attributes: Attributes = span.attributes) {
    const own = span.spanContext()
    this.name = span.name
    this.kind = span.kind
    this.parentSpanContext = span.parentSpanContext
    this.startTime = span.startTime
    this.endTime = span.endTime
    this.status = span.status
    this.attributes = attributes
    this.links = span.links
    this.events = span.events
    this.duration = span.duration
    this.ended = span.ended
    this.resource = span.resource
    this.instrumentationScope = span.instrumentationScope
    this.droppedAttributesCount = span.droppedAttributesCount
    this.droppedEventsCount = span.droppedEventsCount
    this.droppedLinksCount = span.droppedLinksCount
    this.#spanContext = isSampled(own) ? own : { ...own, traceFlags: own.traceFlags | TraceFlags.SAMPLED }
    const state = stateOf(span)
    if (state !== undefined) setState(this, state)
  }

  spanContext(): SpanContext {
    return this.#spanContext
  }
}
