import { RunspanError } from '../errors.ts'
import { nodeBuiltin } from '../internal/node-builtin.ts'
import { textOf } from '../internal/text-of.ts'
import { shared } from '../run/shared.ts'
import { count } from '../run/stats.ts'

/**
 * A secret that services share, so that one can prove to the other that it may write into a run.
 *
 * The caller sends a header of its own, `runspan-trust`: an HMAC over the run's trace id, the key's id and a time of
 * expiry. It holds for that run alone and for a short time. To change a secret, let every service accept the new one
 * beside the old one, then let callers sign with it, then drop the old one.
 */
export interface TrustKey {
  /** Names the secret on the wire: letters, digits, `_`, `-` and `.`, at most 64. */
  readonly id: string
  /** At least 32 characters, from a generator of random numbers. */
  readonly secret: string
  /** For how long a signature is valid, in milliseconds. At least 1000. @defaultValue 60_000 */
  readonly validMillis?: number | undefined
}

/** The header that says who sends a run. It is no part of `tracestate`, which is exported and forwarded everywhere. */
export const trustHeader = 'runspan-trust'

const defaultValidMillis = 60_000
const format = 'v1'
const pattern = /^v1;([\w.-]{1,64});(\d{1,12});([\w-]{43})$/

interface Crypto {
  createHmac(algorithm: 'sha256', secret: string): { update(text: string): { digest(encoding: 'base64url'): string } }
  timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}

/** @throws {@link RunspanError} `bad_configuration` where the key cannot be used, or this is not Node */
export function checkedTrustKey(key: TrustKey, where: string): TrustKey {
  const { id, secret, validMillis = defaultValidMillis } = key ?? {}
  if (typeof id !== 'string' || !/^[\w.-]{1,64}$/.test(id)) {
    throw bad(where, `the id of a key, ${textOf(id)},`, "Use letters, digits, '_', '-' and '.', at most 64.")
  }
  if (typeof secret !== 'string' || secret.length < 32) {
    throw bad(where, `the secret of key ${id}`, 'Pass at least 32 random characters: openssl rand -base64 32.')
  }
  if (typeof validMillis !== 'number' || !(validMillis >= 1000)) {
    throw bad(where, `validMillis of key ${id}, ${textOf(validMillis)},`, 'Pass at least 1000 milliseconds.')
  }
  if (nodeBuiltin('node:crypto') === undefined) throw bad(where, 'a key', 'Keys work on Node alone; pass a function.')
  return key
}

/** The value of the header for one run, valid from now on. */
export function signRun(runId: string, key: TrustKey): string {
  const expiry = Math.ceil((shared().clock.nowUnixMillis() + (key.validMillis ?? defaultValidMillis)) / 1000)
  return `${format};${key.id};${expiry};${signatureOf(runId, key, String(expiry))}`
}

/** Whether a request proves that its caller has one of the keys, for this run and now. */
export function isSigned(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  runId: string,
  keys: readonly TrustKey[],
): boolean {
  const header = headers[trustHeader]
  // No header is no forgery: most callers from outside have none.
  if (header === undefined) return false
  const reason = flawOf(header, runId, keys)
  if (reason === undefined) return true
  count('trustHeadersRejected', `a ${trustHeader} header was rejected: ${reason}; its caller was not trusted.`)
  return false
}

function flawOf(header: unknown, runId: string, keys: readonly TrustKey[]): string | undefined {
  const match = typeof header === 'string' && header.length <= 256 ? pattern.exec(header) : null
  if (match === null) return 'it is malformed, or came twice'
  const [, id, expiry, signature] = match
  const key = keys.find((candidate) => candidate.id === id)
  if (key === undefined) return 'its key is not known here'
  // As text, so that only the one way to write a signature is one.
  const given = new TextEncoder().encode(signature)
  const expected = new TextEncoder().encode(signatureOf(runId, key, expiry!))
  if (!crypto().timingSafeEqual(given, expected)) return 'it is not signed for this run'
  if (Number(expiry) * 1000 <= shared().clock.nowUnixMillis()) return 'it has expired, or the clocks differ'
  return undefined
}

/** 43 characters of base64url: the pattern lets through as many. */
function signatureOf(runId: string, key: TrustKey, expiry: string): string {
  const text = `${trustHeader}\n${format}\n${runId}\n${key.id}\n${expiry}`
  return crypto().createHmac('sha256', key.secret).update(text).digest('base64url')
}

function crypto(): Crypto {
  return nodeBuiltin('node:crypto') as Crypto
}

function bad(where: string, what: string, advice: string): RunspanError {
  return new RunspanError('bad_configuration', `Failed to configure ${where}: ${what} cannot be used. ${advice}`)
}
