import type { PartTally } from '../rollup/tally.ts'
import type { SamplingReason } from './keep-rules.ts'
import type { EndedSpanLike } from './sampled-span.ts'

/**
 * What becomes of the spans of one run, or of one segment.
 *
 * - sampler: the sampler sampled it; each span leaves or not as its own flag says. Never left.
 * - open: nobody knows yet; spans are held.
 * - given up: a bound was reached while nothing spoke for it. What comes is dropped until something does.
 * - kept: entered once something speaks for it; what was held leaves, and so does all that comes. Never left.
 * - dropped: entered when the root ends and nothing has spoken for it; what comes is dropped. Never left.
 */
export class RunFate {
  state: 'sampler' | 'open' | 'given_up' | 'kept' | 'dropped'
  /** Why it is kept. */
  reason: SamplingReason | undefined
  /** Held while open, in the order in which they ended. */
  held: EndedSpanLike[] = []
  heldBytes = 0
  /** Spans that will not leave. */
  droppedSpans = 0
  readonly part: PartTally

  constructor(part: PartTally, state: RunFate['state'], reason: SamplingReason | undefined) {
    this.part = part
    this.state = state
    this.reason = reason
  }

  /** Lets go of what is held. */
  release(): readonly EndedSpanLike[] {
    const { held } = this
    this.held = []
    this.heldBytes = 0
    return held
  }
}
