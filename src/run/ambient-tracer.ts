import { trace, type Tracer, type TracerProvider } from '@opentelemetry/api'

import { VERSION } from '../internal/version.ts'

let lastProvider: object | undefined
let lastTracer: Tracer | undefined

/**
 * The registered provider's tracer, looked up per run: one that is taken before the provider is registered may stay a
 * no-op for ever. It is kept for as long as the very same provider is registered, because the look-up by name costs as
 * much as a span attribute.
 */
export function ambientTracer(): Tracer {
  const registered = registeredProvider()
  if (registered !== lastProvider || lastTracer === undefined) {
    lastTracer = trace.getTracer('runspan', VERSION)
    lastProvider = registered
  }
  return lastTracer
}

/** The provider behind the api's proxy. */
export function registeredProvider(): TracerProvider {
  const provider = trace.getTracerProvider() as TracerProvider & { getDelegate?: () => TracerProvider }
  return typeof provider.getDelegate === 'function' ? provider.getDelegate() : provider
}
