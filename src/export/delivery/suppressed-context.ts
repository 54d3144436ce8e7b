import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'

/**
 * The root context with tracing suppressed, for our own requests and timers: no span is made of sending spans, and
 * nothing of whoever ended a span is kept alive by a socket. The key is the one of `@opentelemetry/core`; keys of that
 * name are the same in every copy.
 */
export const suppressedContext = ROOT_CONTEXT.setValue(
  createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'),
  true,
)
