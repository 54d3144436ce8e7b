import { ROOT_CONTEXT, isSpanContextValid, type Span } from '@opentelemetry/api'

import { newRunId, rootSpanIdOf } from './run-id.ts'
import { shared } from './shared.ts'
import { ambientTracer } from './ambient-tracer.ts'
import { uncounted } from './uncounted.ts'

/**
 * Starts a span that is never ended, so that it is exported nowhere, to see what the registered provider does with it.
 */
export function probeSpan(): { readonly span: Span; readonly askedTraceId: string } {
  const state = shared()
  const askedTraceId = newRunId()
  state.armed = { traceId: askedTraceId, spanId: rootSpanIdOf(askedTraceId)! }
  try {
    const span = uncounted(() => ambientTracer().startSpan('runspan probe', { root: true }, ROOT_CONTEXT))
    return { span, askedTraceId }
  } finally {
    state.armed = undefined
  }
}

/** Whether the registered provider takes ids from our generator. `no_provider`: nothing can be said. */
export function findGenerator(): 'installed' | 'missing' | 'no_provider' {
  const { span, askedTraceId } = probeSpan()
  const spanContext = span.spanContext()
  if (!isSpanContextValid(spanContext)) return 'no_provider'
  return spanContext.traceId === askedTraceId ? 'installed' : 'missing'
}
