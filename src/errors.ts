/**
 * What went wrong, for programs. Codes are stable.
 *
 * - `bad_configuration`: an option or an argument given at set-up cannot work.
 * - `generator_missing`: strict mode found no `RunIdGenerator` in the registered tracer provider.
 * - `budget_exceeded`: a run went over its budget; the reason that its `signal` aborts with.
 * - `missing_package`: the Node preset needs an OpenTelemetry package that is not installed.
 * - `bad_request`: a read asks for what no store may answer: a limit above the maximum, a run id that is none.
 * - `too_many_pages`: a walk over pages came to its bound; what was read so far has been handed out.
 * - `store_unavailable`: a store did not answer, or refused; the message says what it said.
 * - `unsupported_node`: this version of Node has no `node:sqlite`.
 */
export type RunspanErrorCode =
  | 'budget_exceeded'
  | 'bad_configuration'
  | 'generator_missing'
  | 'missing_package'
  | 'bad_request'
  | 'too_many_pages'
  | 'store_unavailable'
  | 'unsupported_node'

const marker = Symbol.for('runspan.error')

/**
 * The base of every error this package throws: at set-up and when stored runs are read, none into a
 * running agent: one that goes over its budget finds the error as the reason of its `signal`.
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
