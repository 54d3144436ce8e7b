/**
 * Does something with each of several things, one failing without the others.
 *
 * @returns what was thrown or rejected with
 */
export async function settle<T>(
  items: readonly T[],
  work: (item: T) => Promise<void> | undefined,
): Promise<readonly unknown[]> {
  const outcomes = await Promise.allSettled(items.map(async (item) => work(item)))
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
}
