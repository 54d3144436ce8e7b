/** Questions that a reader asks its store at a time. */
export const readConcurrency = 5

/** Maps items with at most `concurrency` calls at a time; the results are in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  call: (item: T) => Promise<R>,
  concurrency = readConcurrency,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length })
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      results[at] = await call(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work))
  return results
}
