/** Heap in use once everything that can go has gone, in bytes. */
async function heapUsed(): Promise<number> {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('start node with --expose-gc')
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 6; round++) {
    collect()
    // Finalizers and weak references are seen to between two turns.
    await new Promise((resolve) => setImmediate(resolve))
    least = Math.min(least, process.memoryUsage().heapUsed)
  }
  return least
}

/** How `heapSlope` measures. */
export interface SlopeOptions {
  /** Units that fill what is bounded, and warm the code up; they are not measured. */
  readonly warmUp: number
  readonly units: number
}

/** A slope at or below this is none: what the engine keeps for itself moves by as much. Bytes per unit. */
export const noSlope = 1

const fewestMeasurements = 3
const mostMeasurements = 10

/**
 * Bytes of heap that each unit of work leaves behind: the growth over many units, after as many that fill every bounded
 * map. Of several measurements the least counts: what leaks shows in each of them, what the engine compiles or frees in
 * between only in some. A busy machine compiles late, so what looks like a leak is measured again.
 */
export async function heapSlope(unit: (index: number) => unknown, { warmUp, units }: SlopeOptions): Promise<number> {
  let index = 0
  const work = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done++) await unit(index++)
  }
  await work(warmUp)
  let before = await heapUsed()
  let slope = Number.POSITIVE_INFINITY
  for (
    let measured = 0;
    measured < fewestMeasurements || (slope > noSlope && measured < mostMeasurements);
    measured++
  ) {
    await work(units)
    const after = await heapUsed()
    slope = Math.min(slope, (after - before) / units)
    before = after
  }
  return slope
}
