import type { StoredSpan } from './stored-span.ts'

/** How long a span took, in milliseconds. Two clocks can make it negative; then it is 0. */
export function durationMillisOf({ startUnixNano, endUnixNano }: StoredSpan): number {
  return Math.max(0, Number(endUnixNano - startUnixNano) / 1e6)
}
