import type { OptionNames } from '../../../check-options.ts'

/** How a backend is asked over HTTP. */
export interface BackendOptions {
  /** Sent with every request: credentials such as `authorization`. Before what the address says. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent as `X-Scope-OrgID`. What belongs to another tenant is not found. */
  readonly tenant?: string | undefined
  /** How long one answer may take, in milliseconds; at least 1. @defaultValue 30_000 */
  readonly timeoutMillis?: number | undefined
  /** How often a question is asked again that was answered with 429 or 503. @defaultValue 4 */
  readonly maxRetries?: number | undefined
  /** Requests at a time; further ones wait. At least 1. @defaultValue 5 */
  readonly maxConcurrent?: number | undefined
  /** The largest answer that is taken, in bytes; at least 1. @defaultValue 268_435_456 */
  readonly maxAnswerBytes?: number | undefined
}

/** The names of {@link BackendOptions}. */
export const backendOptionNames: OptionNames<BackendOptions> = {
  headers: true,
  tenant: true,
  timeoutMillis: true,
  maxRetries: true,
  maxConcurrent: true,
  maxAnswerBytes: true,
}
