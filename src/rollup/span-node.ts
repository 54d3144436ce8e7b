import { stateOf, type SpanState } from '../run/span-state.ts'
import type { CallUsage } from '../run/usage-attributes.ts'
import type { Contribution } from './contribution.ts'
import type { ListedSpan } from './open-spans.ts'
import { SpansBelow } from './spans-below.ts'
import type { PartTally, Tally } from './tally.ts'
import type { ReadableSpanLike } from './span-like.ts'

let starts = 0

/** How many spans have started: tells which overlap, where clocks of a millisecond cannot. */
export function startsSoFar(): number {
  return starts
}

/**
 * What the rollup knows of one recording span while it is open, hung onto the span itself: twice as fast as a map by
 * span id, and gone with the span.
 */
export class SpanNode implements SpanState, ListedSpan {
  handle: unknown = undefined
  selfReported: CallUsage | undefined = undefined
  readonly span: ReadableSpanLike
  part: PartTally
  /** Where this span's numbers go: the innermost agent, segment or run around it; its own where it is one. */
  tally: Tally
  readonly parent: SpanNode | undefined
  /** Whether the span has sums of its own: a run's root, or an agent inside the run. */
  isAgent: boolean
  readonly startOrder = ++starts
  ended = false
  /** True once the span has turned out to bound what an outer leaf may claim. */
  isBoundary: boolean
  isLeafWithUsage = false
  /** Whether this span itself was counted as a model call. */
  counted = false
  /** Tokens that were counted here; -1 where this span itself was not counted. */
  ownTokens = -1
  /** Name of the span beside it that stands for the same call. */
  repeatedName: string | undefined = undefined
  /**
   * What it stands for, as long as something better may come late: a model call with the numbers of the span that tells
   * most of it, a container or a call without usage for want of anything below it.
   */
  revocable: Contribution | undefined = undefined
  /** What it has heard from the spans below it; a span without children has heard nothing. */
  below: SpansBelow | undefined = undefined
  previous: SpanNode | undefined = undefined
  next: SpanNode | undefined = undefined
  isListed = false
  isIndexed = false

  constructor(span: ReadableSpanLike, part: PartTally, tally: Tally, parent: SpanNode | undefined, isAgent: boolean) {
    this.span = span
    this.part = part
    this.tally = tally
    this.parent = parent
    this.isAgent = isAgent
    this.isBoundary = isAgent
    if (parent !== undefined) parent.hear().openChildren++
  }

  /** The place for what spans below have to say. */
  hear(): SpansBelow {
    return (this.below ??= new SpansBelow())
  }

  /** Whether usage of anything below was counted. */
  get usageBelow(): boolean {
    return this.below !== undefined && this.below.hasUsage
  }

  /** Counted calls below that reported no usage. */
  get silentBelow(): number {
    return this.below === undefined ? 0 : this.below.silent
  }

  /** Those of them whose cost nobody knows. */
  get unpricedBelow(): number {
    return this.below === undefined ? 0 : this.below.unpriced
  }

  /** Whether a child has failed. */
  get failedBelow(): boolean {
    return this.below !== undefined && this.below.hasFailed
  }
}

/** The node of a span, if it belongs to a run, a segment or an agent of this process. */
export function nodeOf(span: object | undefined): SpanNode | undefined {
  const node = anyNodeOf(span)
  return node === undefined || node.part.isProvisional ? undefined : node
}

/** The node of a span, also where nobody knows yet whether it belongs to an agent. */
export function anyNodeOf(span: object | undefined): SpanNode | undefined {
  const state = stateOf(span) as Partial<SpanNode> | undefined
  return state?.part === undefined ? undefined : (state as SpanNode)
}
