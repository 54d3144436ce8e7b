import { ATTR_ERROR_TYPE } from '../attributes.ts'
import { otherName } from '../internal/counts-by-name.ts'
import { statusError } from './span-like.ts'
import { hasFailedBelow, hear, type SpanNode } from './span-node.ts'
import { raise, type Tally } from './tally.ts'

/** A failure that is passed up is one failure: the innermost span that reports it counts. */
export function settleFailure(node: SpanNode): void {
  if (!hasFailedBelow(node)) raiseErrors(node, 1)
  const { parent } = node
  if (parent === undefined || hasFailedBelow(parent)) return
  hear(parent).hasFailed = true
  // A parent that ended first was counted in this span's stead.
  if (parent.ended && parent.span.status.code === statusError) raiseErrors(parent, -1)
}

/** Counts a failure of a span, or takes it back. */
export function raiseErrors(node: SpanNode, by: 1 | -1): void {
  raise(node.tally, 'errors', by)
  for (let at: Tally | undefined = node.tally; at !== undefined; at = at.parent) {
    if (at.named?.errors === undefined) continue
    const type = node.span.attributes[ATTR_ERROR_TYPE]
    at.named.errors.add(typeof type === 'string' ? type : otherName, by)
  }
}
