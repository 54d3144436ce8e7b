/**
 * What went wrong, for programs. Codes are stable.
 *
 * - `bad_configuration`: an option or an argument given at set-up cannot work.
 * - `generator_missing`: strict mode found no `RunIdGenerator` in the registered tracer provider.
 * - `missing_package`: the Node preset needs an OpenTelemetry package that is not installed.
 */
export type RunspanErrorCode = 'bad_configuration' | 'generator_missing' | 'missing_package'

const marker = Symbol.for('runspan.error')

/**
 * The base of every error this package throws; all of them at set-up, none while an agent runs.
 * Recognise it with {@link RunspanError.is}, and branch on {@link RunspanError.code}.
 */
export class RunspanError extends Error {
  /** @internal */
  readonly [marker] = true
  /** The stable code. */
  readonly code: RunspanErrorCode

  constructor(code: RunspanErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RunspanError'
    this.code = code
  }

  /** True for our errors, also when they come from another copy of the package. */
  static is(error: unknown): error is RunspanError {
    return typeof error === 'object' && error !== null && marker in error
  }
}
