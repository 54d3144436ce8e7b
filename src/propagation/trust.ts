import { RunspanError } from '../errors.ts'
import { count } from '../run/stats.ts'

/** The part of a request that trust is decided on. */
export interface TrustedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Whether a caller may write into the run it names: for all requests, or decided for each. */
export type Trust = boolean | ((request: TrustedRequest) => boolean)

/**
 * The `trust` of a middleware's options.
 *
 * @throws {@link RunspanError} `bad_configuration` where it is missing: nobody joins by oversight
 */
export function checkedTrust(options: { readonly trust: Trust } | undefined, middleware: string): Trust {
  const trust = options?.trust
  if (typeof trust === 'boolean' || typeof trust === 'function') return trust
  throw new RunspanError(
    'bad_configuration',
    `Failed to make ${middleware}: trust is ${String(trust)}. Say which callers may join their runs: { trust: (request) => boolean }, or true where only your own services can reach this one.`,
  )
}

/** Trusts only where the answer is `true`: a `trust` that throws, or that answers with a promise, trusts nobody. */
export function isTrusted(trust: Trust, request: TrustedRequest): boolean {
  if (typeof trust === 'boolean') return trust
  try {
    const answer: unknown = trust(request)
    if (typeof answer !== 'boolean')
      count(
        'callbackErrors',
        `trust answered ${typeof answer}; the caller was not trusted. Answer true or false, at once.`,
      )
    return answer === true
  } catch (error) {
    count('callbackErrors', 'trust threw; the caller was not trusted.', error)
    return false
  }
}
