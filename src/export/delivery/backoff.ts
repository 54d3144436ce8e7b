/** How long to wait after failures in a row. */
export interface Backoff {
  readonly firstMillis: number
  readonly longestMillis: number
}

/** For destinations that are down or busy: quick at first, because most of them are only restarting. */
export const whileDown: Backoff = { firstMillis: 1000, longestMillis: 30_000 }
/** For destinations that want another setting: a person has to change something. */
export const whileHeld: Backoff = { firstMillis: 5000, longestMillis: 60_000 }

/**
 * The pause after the `failures`-th failure in a row (from 1): doubling, with a fifth of jitter to both sides, so that
 * the processes of a service do not all come back at once.
 */
export function backoffMillis({ firstMillis, longestMillis }: Backoff, failures: number): number {
  const pause = Math.min(firstMillis * 2 ** Math.min(failures - 1, 30), longestMillis)
  return pause * (0.8 + 0.4 * Math.random())
}
