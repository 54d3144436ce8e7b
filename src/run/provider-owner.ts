import type { Span } from '@opentelemetry/api'

/** A product that has registered a tracer provider of its own, which nobody else's processors can be added to. */
export interface ProviderOwner {
  readonly code: 'sentry_owns_provider' | 'datadog_owns_provider'
  readonly message: string
  readonly fix: string
}

/**
 * Whose the registered provider is, where it is a product's: Sentry's (8 to 11) or dd-trace's. They register through
 * the api like any SDK, and the first one to register stays.
 *
 * @param span what the provider made of a probe
 */
export function findProviderOwner(provider: object, span: Span): ProviderOwner | undefined {
  if ('_ddSpan' in span) return datadog
  return isSentrys(provider) ? sentry() : undefined
}

const datadog: ProviderOwner = {
  code: 'datadog_owns_provider',
  message:
    "dd-trace's own tracer provider is registered: spans go to the Datadog Agent alone, and it takes neither span processors nor an id generator. Runs have no totals, and no run id can be chosen.",
  fix: 'Leave out new tracer.TracerProvider().register() and DD_TRACE_OTEL_ENABLED, start your NodeSDK or registerRunspan(), and have it export to the OTLP endpoint of the Datadog Agent.',
}

function sentry(): ProviderOwner {
  const carrier = (globalThis as { ['__SENTRY__']?: { readonly version?: unknown } })['__SENTRY__']
  const version = carrier?.version
  const name = typeof version === 'string' ? `Sentry ${version}` : 'Sentry'
  const option =
    Number.parseInt(String(version), 10) >= 11
      ? 'enableOpenTelemetrySetup: false'
      : 'skipOpenTelemetrySetup: true (enableOpenTelemetrySetup: false from version 11 on)'
  return {
    code: 'sentry_owns_provider',
    message: `The tracer provider is that of ${name}: spans go to Sentry alone, as its sampler decides, and neither RunRollupProcessor nor RunIdGenerator is in it. Runs have no totals, and no run id can be chosen.`,
    fix: `Pass ${option} to Sentry.init(), and start your NodeSDK or registerRunspan(). Versions 8 to 10 take part in it with their SentrySpanProcessor, SentryPropagator and SentryContextManager.`,
  }
}

/**
 * A provider of Sentry's own making, or the SDK's with no other processor than Sentry's: what an application has set up
 * itself has one that exports.
 */
function isSentrys(provider: object): boolean {
  if (isNamedSentry(provider)) return true
  const { _activeSpanProcessor: active } = provider as { _activeSpanProcessor?: { _spanProcessors?: unknown } }
  // The second is the list of SDK 1.x, which Sentry 8 and 9 bring.
  const processors = active?._spanProcessors ?? (provider as Record<string, unknown>)['_registeredSpanProcessors']
  return Array.isArray(processors) && processors.length > 0 && processors.every(isNamedSentry)
}

function isNamedSentry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && value.constructor.name.startsWith('Sentry')
}
