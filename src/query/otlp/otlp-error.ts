/**
 * Why something cannot be read as OTLP.
 *
 * - `malformed`: it is something else, cut off or damaged.
 * - `too_much`: it holds more than the reader is willing to take into memory.
 */
export class OtlpError extends Error {
  readonly reason: 'malformed' | 'too_much'

  /** @param message for the developer who looks for the sender's mistake */
  constructor(reason: 'malformed' | 'too_much', message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OtlpError'
    this.reason = reason
  }
}

/** A body that is no request. */
export function malformed(what: string, cause?: unknown): OtlpError {
  return new OtlpError('malformed', `The body is no OTLP request: ${what}.`, { cause })
}
