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
 * An ended span that says it is sampled, or that it is not. The span itself stays as it is: other processors hold it
 * too, and its children were told what it said.
 *
 * It has the fields of a `ReadableSpan` and none of the SDK's own, copied and not inherited: what exporters read must
 * not depend on how the SDK keeps it.
 */
class FlaggedSpan implements EndedSpanLike {
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

  /**
   * @param flags of the span context, in place of the span's own
   * @param attributes in place of the span's own
   */
  constructor(span: EndedSpanLike, flags: number, attributes: Attributes = span.attributes) {
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
    this.#spanContext = own.traceFlags === flags ? own : { ...own, traceFlags: flags }
    const state = stateOf(span)
    if (state !== undefined) setState(this, state)
  }

  spanContext(): SpanContext {
    return this.#spanContext
  }
}

/** The span as one that is exported. */
export function sampled(span: EndedSpanLike, attributes?: Attributes): EndedSpanLike {
  const { traceFlags } = span.spanContext()
  return new FlaggedSpan(span, traceFlags | TraceFlags.SAMPLED, attributes)
}

/** The span as one that is not exported: processors take note of its end, and skip it. */
export function unsampled(span: EndedSpanLike): EndedSpanLike {
  const own = span.spanContext()
  return isSampled(own) ? new FlaggedSpan(span, own.traceFlags & ~TraceFlags.SAMPLED) : span
}
