import { checkOptions, type OptionNames } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { count } from '../run/stats.ts'
import type { RunRef } from '../run/types.ts'
import { addressChecker } from './trust-addresses.ts'
import { checkedTrustKey, isSigned, type TrustKey } from './trust-key.ts'

/** The part of a request that trust is decided on. */
export interface TrustedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket?: { readonly remoteAddress?: string | undefined } | null | undefined
}

/**
 * Which callers may write into the run they name.
 *
 * - `true`, `false`: all of them, or none.
 * - a function: decides for each request, at once, with `true` or `false`.
 * - a list of addresses and networks, `['10.0.0.0/8', '::1']`: the other end of the connection, which behind a proxy is
 *   the proxy. What a header says of addresses is not looked at.
 * - `{ keys }`: whoever signs the run with one of these secrets, see {@link TrustKey}. The first is the one in use, the
 *   others are on their way out or in.
 */
export type Trust =
  | boolean
  | ((request: TrustedRequest) => boolean)
  | readonly string[]
  | { readonly keys: readonly TrustKey[] }

/** A {@link Trust} that has been checked, and answers. Never throws. */
export type TrustCheck = (request: TrustedRequest, ref: RunRef) => boolean

/**
 * The `trust` of a middleware's options.
 *
 * @param names of all its options
 * @throws {@link RunspanError} `bad_configuration` where it is missing, or cannot work: nobody joins by oversight; or where
 *   there is no such option
 */
export function checkedTrust<Options extends { readonly trust: Trust }>(
  options: Options | undefined,
  middleware: string,
  names: OptionNames<Options>,
): TrustCheck {
  if (typeof options === 'object') checkOptions(middleware, options, names)
  const trust: unknown = options?.trust
  if (typeof trust === 'boolean') return () => trust
  if (typeof trust === 'function') return (request) => answerOf(trust as (request: TrustedRequest) => unknown, request)
  if (Array.isArray(trust)) return addressChecker(trust, middleware)
  if (typeof trust === 'object' && trust !== null && Array.isArray((trust as { keys?: unknown }).keys)) {
    const keys = (trust as { keys: readonly TrustKey[] }).keys.map((key) => checkedTrustKey(key, middleware))
    return (request, ref) => isSigned(request.headers, ref.runId, keys)
  }
  throw new RunspanError(
    'bad_configuration',
    `Failed to make ${middleware}: trust is ${textOf(trust)}. Say which callers may join their runs: { trust: (request) => boolean }, a list of networks, { keys }, or true where only your own services can reach this one.`,
  )
}

/** Trusts only where the answer is `true`: a `trust` that throws, or that answers with a promise, trusts nobody. */
function answerOf(trust: (request: TrustedRequest) => unknown, request: TrustedRequest): boolean {
  try {
    const answer = trust(request)
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
