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
 * The open spans that the rollup knows, the latest 2000 of them, for parents that a tracer names without handing the
 * span itself over: LangChain's callbacks keep span contexts, and no context is active while they run.
 *
 * A list that runs through the nodes themselves, with an index by span id that is brought up to date only when somebody
 * asks: where every parent comes as a span, no id is ever looked at. A span that is pushed out is counted as ever; what
 * names it as its parent by id alone counts at the root of its run. Of spans that never end, in
 * what has ended itself, the latest 256 stay.
 */
export class OpenSpans {
  #oldest: SpanNode | undefined
  #newest: SpanNode | undefined
  #firstUnindexed: SpanNode | undefined
  readonly #index = new Map<string, SpanNode>()
  #size = 0

  add(node: SpanNode): void {
    node.previous = this.#newest
    node.isListed = true
    if (this.#newest === undefined) this.#oldest = node
    else this.#newest.next = node
    this.#newest = node
    this.#firstUnindexed ??= node
    const oldest = this.#oldest!
    if (++this.#size > mostSpans || (this.#size > mostLeftOver && isLeftOver(oldest))) this.delete(oldest)
  }

  delete(node: SpanNode): void {
    if (!node.isListed) return
    const { previous, next } = node
    if (previous === undefined) this.#oldest = next
    else previous.next = next
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    if (this.#firstUnindexed === node) this.#firstUnindexed = next
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
    for (let node = this.#firstUnindexed; node !== undefined; node = node.next) {
      this.#index.set(node.span.spanContext().spanId, node)
      node.isIndexed = true
    }
    this.#firstUnindexed = undefined
    const parent = this.#index.get(context.spanId)
    return parent?.span.spanContext().traceId === context.traceId ? parent : undefined
  }
}

/** Those of this process, whichever processor counts them: a sampler asks before a span is there. */
export const openSpans = new OpenSpans()
