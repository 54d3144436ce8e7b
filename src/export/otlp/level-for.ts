/**
 * The height at which sizes must be cut off for their sum to fit into a budget. Sizes come largest first.
 *
 * @returns the height; infinite where all of them fit
 */
export function levelFor(sizes: readonly number[], budget: number): number {
  let rest = sizes.reduce((sum, size) => sum + size, 0)
  if (rest <= budget) return Number.POSITIVE_INFINITY
  for (let count = 1; count <= sizes.length; count++) {
    rest -= sizes[count - 1]!
    const level = Math.floor((budget - rest) / count)
    if (level >= (sizes[count] ?? 0)) return level
  }
  return 0
}
