import type { SpanContext } from '@opentelemetry/api'

import type { ReadableSpanLike } from './span-like.ts'
import type { SpanNode } from './span-node.ts'

/** A span's place in the list of open spans. */
export interface ListedSpan {
  previous: SpanNode | undefined
  next: SpanNode | undefined
  isListed: boolean
  /** Whether the index knows the span. */
  isIndexed: boolean
}

/** Whether a span goes on in a run, segment or agent that has ended. */
function isLeftOver({ part }: SpanNode): boolean {
  return part.closed || part.root?.ended === true
}

/** How many open spans are known at most. */
const mostSpans = 2000
/** How many are known where some are of what has ended: those may still have children. */
const mostLeftOver = 256

/**
 * Where the list begins and ends. In an object that is made anew every now and then: V8 takes note of each write of a new
 * object into an old one, which takes as long as the rest of listing a span.
 */
interface Ends {
  oldest: SpanNode | undefined
  newest: SpanNode | undefined
  firstUnindexed: SpanNode | undefined
}

/** One less than the number of spans for which it is used, a power of two. */
const mostUsesMask = 127

/**
 * The open spans that the rollup knows, the latest 2000 of them, for parents that a tracer names without handing the
 * span itself over: LangChain's callbacks keep span contexts, and no context is active while they run.
 *
 * A list that runs through the nodes themselves, with an index by span id that is brought up to date only when somebody
 * asks: where every parent comes as a span, no id is ever looked at. A span that is pushed out is counted as ever; what
 * names it as its parent by id alone counts at the root of its run. Of spans that never end, in what has ended itself,
 * the latest 256 stay.
 */
export class OpenSpans {
  #ends: Ends = { oldest: undefined, newest: undefined, firstUnindexed: undefined }
  #added = 0
  readonly #index = new Map<string, SpanNode>()
  #size = 0

  add(node: SpanNode): void {
    if ((++this.#added & mostUsesMask) === 0) this.#ends = { ...this.#ends }
    const ends = this.#ends
    const { newest } = ends
    node.previous = newest
    node.isListed = true
    if (newest === undefined) ends.oldest = node
    else newest.next = node
    ends.newest = node
    if (ends.firstUnindexed === undefined) ends.firstUnindexed = node
    if (++this.#size > mostLeftOver) this.#makeRoom(ends.oldest!)
  }

  #makeRoom(oldest: SpanNode): void {
    if (this.#size > mostSpans || isLeftOver(oldest)) this.delete(oldest)
  }

  delete(node: SpanNode): void {
    if (!node.isListed) return
    const ends = this.#ends
    const { previous, next } = node
    if (previous === undefined) ends.oldest = next
    else previous.next = next
    if (next === undefined) ends.newest = previous
    else next.previous = previous
    if (ends.firstUnindexed === node) ends.firstUnindexed = next
    if (node.isIndexed) this.#index.delete(node.span.spanContext().spanId)
    node.previous = undefined
    node.next = undefined
    node.isListed = false
    this.#size--
  }

  /** The open span that another one names as its parent; none where that is elsewhere or has ended. */
  parentOf(span: ReadableSpanLike): SpanNode | undefined {
    return span.parentSpanContext === undefined ? undefined : this.find(span.parentSpanContext)
  }

  /** The open span of that context. */
  find(context: SpanContext): SpanNode | undefined {
    if (context.isRemote === true) return undefined
    for (let node = this.#ends.firstUnindexed; node !== undefined; node = node.next) {
      this.#index.set(node.span.spanContext().spanId, node)
      node.isIndexed = true
    }
    this.#ends.firstUnindexed = undefined
    const parent = this.#index.get(context.spanId)
    return parent?.span.spanContext().traceId === context.traceId ? parent : undefined
  }
}

/** Those of this process, whichever processor counts them: a sampler asks before a span is there. */
export const openSpans = new OpenSpans()
