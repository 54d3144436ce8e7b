import { stateOf, type SpanState } from '../run/span-state.ts'
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
export interface SpanNode extends SpanState, ListedSpan {
  readonly span: ReadableSpanLike
  part: PartTally
  /** Where this span's numbers go: the innermost agent, segment or run around it; its own where it is one. */
  tally: Tally
  readonly parent: SpanNode | undefined
  /** Whether the span has sums of its own: a run's root, or an agent inside the run. */
  isAgent: boolean
  readonly startOrder: number
  ended: boolean
  /** True once the span has turned out to bound what an outer leaf may claim. */
  isBoundary: boolean
  isLeafWithUsage: boolean
  /** Whether this span itself was counted as a model call. */
  counted: boolean
  /** Tokens that were counted here; -1 where this span itself was not counted. */
  ownTokens: number
  /** Name of the span beside it that stands for the same call. */
  repeatedName: string | undefined
  /**
   * What it stands for, as long as something better may come late: a model call with the numbers of the span that tells
   * most of it, a container or a call without usage for want of anything below it.
   */
  revocable: Contribution | undefined
  /** What it has heard from the spans below it; a span without children has heard nothing. */
  below: SpansBelow | undefined
}

/** Makes the node of a span that starts. A literal and no class: every span makes one, and a constructor is a call more. */
export function openNode(
  span: ReadableSpanLike,
  part: PartTally,
  tally: Tally,
  parent: SpanNode | undefined,
  isAgent: boolean,
): SpanNode {
  if (parent !== undefined) hear(parent).openChildren++
  return {
    handle: undefined,
    selfReported: undefined,
    span,
    part,
    tally,
    parent,
    isAgent,
    startOrder: ++starts,
    ended: false,
    isBoundary: isAgent,
    isLeafWithUsage: false,
    counted: false,
    ownTokens: -1,
    repeatedName: undefined,
    revocable: undefined,
    below: undefined,
    previous: undefined,
    next: undefined,
    isListed: false,
    isIndexed: false,
  }
}

/** The place for what spans below have to say. */
export function hear(node: SpanNode): SpansBelow {
  return (node.below ??= new SpansBelow())
}

/** Whether usage of anything below was counted. */
export function hasUsageBelow({ below }: SpanNode): boolean {
  return below !== undefined && below.hasUsage
}

/** Counted calls below that reported no usage. */
export function silentBelow({ below }: SpanNode): number {
  return below === undefined ? 0 : below.silent
}

/** Those of them whose cost nobody knows. */
export function unpricedBelow({ below }: SpanNode): number {
  return below === undefined ? 0 : below.unpriced
}

/** Whether a child has failed. */
export function hasFailedBelow({ below }: SpanNode): boolean {
  return below !== undefined && below.hasFailed
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
