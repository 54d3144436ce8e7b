import type { Span } from '@opentelemetry/api'

import type { Contribution, Sums } from './sums.ts'
import type { PartTally, Tally } from './tally.ts'
import type { ReadableSpanLike } from './span-like.ts'

/**
 * What the rollup knows of one recording span while it is open, hung onto the span itself: twice as fast as a map by
 * span id, and gone with the span.
 */
export class SpanNode {
  readonly span: ReadableSpanLike
  readonly part: PartTally
  /** Where this span's numbers go: the innermost agent, segment or run around it; its own where it is one. */
  readonly tally: Tally
  readonly parent: SpanNode | undefined
  /** Whether the span is an agent inside the run, with a subtotal of its own. */
  readonly isAgent: boolean
  ended = false
  /** True once the span has turned out to bound what an outer leaf may claim. */
  isBoundary = false
  isLeafWithUsage = false
  /** What this span adds itself. */
  contribution: Contribution | undefined = undefined
  /** Sum over the counted leaves below that an outer leaf may still claim; made when there is the first. */
  below: Sums | undefined = undefined
  /** Whether anything below was counted, bounded or not. */
  countedBelow = false
  failedBelow = false

  constructor(span: ReadableSpanLike, part: PartTally, tally: Tally, parent: SpanNode | undefined, isAgent: boolean) {
    this.span = span
    this.part = part
    this.tally = tally
    this.parent = parent
    this.isAgent = isAgent
  }
}

// A registered symbol: a second processor, or a second copy of the package, sees that a span is being counted.
const nodeKey: unique symbol = Symbol.for('runspan.node') as never
type Carrier = { [nodeKey]?: SpanNode }

/** The node of a span, if it belongs to a run or segment of this process. */
export function nodeOf(span: object | undefined): SpanNode | undefined {
  return span === undefined ? undefined : (span as Carrier)[nodeKey]
}

export function setNode(span: Span | ReadableSpanLike, node: SpanNode): void {
  ;(span as Carrier)[nodeKey] = node
}
