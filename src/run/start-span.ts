import { INVALID_SPAN_CONTEXT, trace, type Context, type Span, type SpanOptions, type Tracer } from '@opentelemetry/api'

import { count } from './stats.ts'

/**
 * Starts a span. Where a sampler or processor of somebody else's throws at that, the work goes on with a span that
 * records nothing, and what it starts itself hangs below its parent.
 */
export function startQuietly(tracer: Tracer, name: string, options: SpanOptions, parent: Context): Span {
  try {
    return tracer.startSpan(name, options, parent)
  } catch (error) {
    count('internalErrors', 'a sampler or span processor threw when a span was started; it is not recorded', error)
    const parentContext = options.root === true ? undefined : trace.getSpanContext(parent)
    return trace.wrapSpanContext(parentContext ?? INVALID_SPAN_CONTEXT)
  }
}
