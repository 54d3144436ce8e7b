import type { ExpectedPart, PartTotals } from '../run/part-totals.ts'
import type { PartTally } from './tally.ts'

/**
 * One part of a run that is being done elsewhere.
 *
 * - awaited: nothing has come. Whoever asks is told that numbers may be missing.
 * - partial: its numbers so far have come, and wait for the last word; they are in no sum.
 * - settled: its numbers are in the sums, or there are none to come. Never left.
 */
export class AwaitedPart implements ExpectedPart {
  /** The part that asked, and those around it: a segment of a run that is open in this process is counted there too. */
  readonly #parts: readonly PartTally[]
  #state: 'awaited' | 'partial' | 'settled' = 'awaited'

  constructor(parts: readonly PartTally[]) {
    this.#parts = parts
    for (const { remote } of parts) remote.expect(1)
  }

  came(totals: PartTotals): void {
    if (this.#state === 'settled') return
    if (totals.state !== 'partial') {
      if (totals.state === 'final') for (const part of this.#parts) takeIn(part, totals)
      this.withdraw()
    } else if (this.#state === 'awaited') {
      this.#state = 'partial'
      for (const { remote } of this.#parts) remote.sawPartial(1)
    }
  }

  withdraw(): void {
    if (this.#state === 'settled') return
    for (const { remote } of this.#parts) {
      remote.expect(-1)
      if (this.#state === 'partial') remote.sawPartial(-1)
    }
    this.#state = 'settled'
  }
}

/** Adds a part's numbers, once: a request that is sent again may be answered by the same segment. */
function takeIn(part: PartTally, { segmentId, nestedIds, subtotal }: PartTotals): void {
  // What a root says stands. It has said that this part is missing.
  if (part.closed || part.remote.has(segmentId)) return
  if (!part.remote.hasRoom(1 + nestedIds.length)) {
    part.remote.mark('too_many_parts')
    return
  }
  part.remote.add([segmentId, ...nestedIds])
  part.addSubtotal(subtotal)
}
