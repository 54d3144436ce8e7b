/** What the OpenTelemetry api keeps one of per process. */
export type ApiGlobal = 'trace' | 'context' | 'propagation' | 'diag' | 'metrics'

/**
 * Whether somebody has registered a global with the api, through whichever copy of it. The api's setters answer that
 * only by trying, and log an error when they fail.
 */
export function isRegistered(name: ApiGlobal): boolean {
  const globals = (globalThis as Record<symbol, Partial<Record<ApiGlobal, unknown>> | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ]
  return globals?.[name] !== undefined
}
