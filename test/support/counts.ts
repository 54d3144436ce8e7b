import { stats, type RunspanStats } from '../../src/index.ts'

/** Starts counting; the result says which counters have moved since, and by how much. */
export function countsFromNow(): () => Partial<RunspanStats> {
  const before = stats()
  return () =>
    Object.fromEntries(
      Object.entries(stats())
        .map(([counter, value]) => [counter, value - before[counter as keyof RunspanStats]] as const)
        .filter(([, difference]) => difference !== 0),
    )
}
