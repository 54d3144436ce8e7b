/** Something that may still have spans when the process ends. */
export interface Leaving {
  /** Sends what there is at the natural end, where it has not been tried since the last span ended. */
  drainAtNaturalEnd(): void
  /** Sends what there is now, while nothing else can happen any more. */
  sendAtExit(): void
}

const leaving = new Set<Leaving>()

/**
 * Calls `delivery` when the process ends: one pair of listeners for all, however many processors there are.
 *
 * @returns what ends that
 */
export function watchExit(delivery: Leaving): () => void {
  if (leaving.size === 0) {
    process.on('beforeExit', onBeforeExit)
    process.on('exit', onExit)
  }
  leaving.add(delivery)
  return () => {
    if (!leaving.delete(delivery) || leaving.size > 0) return
    process.off('beforeExit', onBeforeExit)
    process.off('exit', onExit)
  }
}

function onBeforeExit(): void {
  for (const delivery of leaving) delivery.drainAtNaturalEnd()
}

function onExit(): void {
  for (const delivery of leaving) delivery.sendAtExit()
}
