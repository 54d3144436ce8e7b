import type { StoredSpan } from './stored-span.ts'

/** A span and what it is the parent of. */
export interface SpanNode {
  readonly span: StoredSpan
  readonly children: readonly SpanNode[]
}

/**
 * Spans of one trace as trees. A span whose parent is not there is a root of its own, and so is the first span of a
 * circle: every span is somewhere, once.
 *
 * @param spans each once, in the order in which they started; children keep it
 */
export function spanForest(spans: readonly StoredSpan[]): readonly SpanNode[] {
  const nodes = new Map(spans.map((span) => [span.spanId, { span, children: [] as SpanNode[] }]))
  const isPlaced = new Set<string>()
  const roots: SpanNode[] = []
  const placeBelow = (root: SpanNode): void => {
    roots.push(root)
    isPlaced.add(root.span.spanId)
    const open = [root.span.spanId]
    for (let parentId = open.pop(); parentId !== undefined; parentId = open.pop()) {
      for (const child of childrenOf.get(parentId) ?? []) {
        if (isPlaced.has(child.span.spanId)) continue
        isPlaced.add(child.span.spanId)
        nodes.get(parentId)!.children.push(child)
        open.push(child.span.spanId)
      }
    }
  }
  const childrenOf = new Map<string, SpanNode[]>()
  for (const node of nodes.values()) {
    const parentId = node.span.parentSpanId
    if (parentId === undefined || !nodes.has(parentId)) continue
    const siblings = childrenOf.get(parentId)
    if (siblings === undefined) childrenOf.set(parentId, [node])
    else siblings.push(node)
  }
  for (const node of nodes.values()) if (!nodes.has(node.span.parentSpanId ?? '')) placeBelow(node)
  // What is left is in a circle, or below one.
  for (const node of nodes.values()) if (!isPlaced.has(node.span.spanId)) placeBelow(node)
  return roots
}
