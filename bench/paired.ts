/** Timings of one round: nanoseconds per unit, by name of the side. */
type Round<Name extends string> = Readonly<Record<Name, number>>

/** One side of a comparison. */
export interface Side {
  /** Does one unit of work. */
  readonly unit: () => Promise<unknown>
  /** Empties queues after each block, outside the clock. */
  readonly settle?: (() => Promise<void>) | undefined
  /** Sends what the block made, inside the clock. */
  readonly flush?: (() => Promise<void>) | undefined
}

/**
 * Times several sides against each other in one process: blocks of units, all sides once per round, in random order.
 * Noise that lasts longer than a round hits all of them, so ratios within a round are steadier than any time.
 */
export async function pairedRounds<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  {
    rounds,
    unitsPerBlock,
    warmUpRounds,
  }: { readonly rounds: number; readonly unitsPerBlock: number; readonly warmUpRounds: number },
): Promise<readonly Round<Name>[]> {
  const names = Object.keys(sides) as Name[]
  const results: Round<Name>[] = []
  for (let round = -warmUpRounds; round < rounds; round++) {
    const timings: Partial<Record<Name, number>> = {}
    for (const name of shuffled(names)) {
      const { unit, settle, flush } = sides[name]
      const start = process.hrtime.bigint()
      for (let done = 0; done < unitsPerBlock; done++) await unit()
      await flush?.()
      timings[name] = Number(process.hrtime.bigint() - start) / unitsPerBlock
      await settle?.()
    }
    if (round >= 0) results.push(timings as Round<Name>)
  }
  return results
}

/** The median over rounds of how much longer `name` took than `base`. */
export function medianRatio<Name extends string>(rounds: readonly Round<Name>[], name: Name, base: Name): number {
  return median(rounds.map((round) => round[name] / round[base]))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[result[last], result[other]] = [result[other]!, result[last]!]
  }
  return result
}
