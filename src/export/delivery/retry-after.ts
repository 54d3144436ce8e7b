/** A server may ask for a pause of an hour at most; a mistyped header is not to end delivery for good. */
const longestMillis = 3_600_000

/**
 * How long a `Retry-After` header asks to wait, in milliseconds from now: a number of seconds, or a date (RFC 9110,
 * section 10.2.3).
 *
 * @returns `undefined` where the header is absent or neither
 */
export function retryAfterMillis(header: string | undefined, nowUnixMillis: number): number | undefined {
  const text = header?.trim()
  if (text === undefined || text === '') return undefined
  const millis = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowUnixMillis
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(0, millis), longestMillis)
}
