import type { ExpectedPart, PartTotals } from '../run/part-totals.ts'
import type { RunTally } from '../run/run-tally.ts'

/** How many replies one part waits for, or knows, at most. Beyond that its totals are incomplete. */
const mostReplies = 1024

/**
 * Which parts of a run its code expects the totals of, in replies that it reads itself.
 *
 * - awaited: a message is on its way, and nobody knows which segment will answer.
 * - known: a segment has answered; what it says later is about the same part.
 */
class ExpectedReplies {
  readonly #tally: RunTally
  readonly #awaited: ExpectedPart[] = []
  readonly #bySegment = new Map<string, ExpectedPart>()

  constructor(tally: RunTally) {
    this.#tally = tally
  }

  expect(): void {
    if (this.#awaited.length >= mostReplies) this.#tally.markIncomplete('too_many_parts')
    else this.#awaited.push(this.#tally.expectPart())
  }

  /** Takes note of who answers for a part that something else waits for. */
  know(segmentId: string, part: ExpectedPart): void {
    if (this.#bySegment.size < mostReplies && !this.#bySegment.has(segmentId)) this.#bySegment.set(segmentId, part)
  }

  /** Takes a reply in. One that comes again settles nothing else. */
  came(totals: PartTotals): void {
    const { segmentId } = totals
    if (!this.#bySegment.has(segmentId)) {
      if (this.#bySegment.size >= mostReplies) return this.#tally.markIncomplete('too_many_parts')
      this.#bySegment.set(segmentId, this.#awaited.shift() ?? this.#tally.expectPart())
    }
    this.#bySegment.get(segmentId)!.came(totals)
  }
}

const repliesByTally = new WeakMap<RunTally, ExpectedReplies>()

/** The replies that a part waits for; made with the first. */
export function repliesOf(tally: RunTally): ExpectedReplies {
  let replies = repliesByTally.get(tally)
  if (replies === undefined) repliesByTally.set(tally, (replies = new ExpectedReplies(tally)))
  return replies
}
