/** Milliseconds since the epoch; NaN where the value is no time. */
export function unixMillisOf(time: unknown): number {
  if (time instanceof Date) return time.getTime()
  return typeof time === 'string' ? Date.parse(time) : Number.NaN
}
