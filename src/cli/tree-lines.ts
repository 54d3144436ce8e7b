/** One node of a tree, and what stands before it in the terminal. */
export interface TreeLine<Node> {
  readonly node: Node
  /** Before the node's first line. */
  readonly lead: string
  /** Before its further lines. */
  readonly hang: string
}

/**
 * Walks trees as they are drawn, parents first.
 *
 * @param maxIndent widest indentation, in columns. Deeper levels lose their leftmost branches, or a long chain would be
 *   all branches
 * @param isJoined whether a node hangs on a dotted branch
 * @yields every node with its branches
 */
export function* treeLines<Node>(
  roots: readonly Node[],
  childrenOf: (node: Node) => readonly Node[],
  maxIndent: number,
  isJoined: (node: Node) => boolean,
): Generator<TreeLine<Node>> {
  // A stack of our own: a tree can be a chain that is deeper than the engine's.
  const stack = roots.toReversed().map((node) => ({ node, lead: '', base: '' }))
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, lead, base } = next
    const children = childrenOf(node)
    yield { node, lead, hang: base + (children.length > 0 ? '│ ' : '  ') }
    for (const [fromEnd, child] of children.toReversed().entries()) {
      const isLast = fromEnd === 0
      const branch = `${isLast ? '╰' : '├'}${isJoined(child) ? '┄' : '─'} `
      stack.push({ node: child, lead: base + branch, base: indented(base, isLast, maxIndent) })
    }
  }
}

function indented(base: string, isLast: boolean, maxIndent: number): string {
  const deeper = base + (isLast ? '   ' : '│  ')
  return deeper.length <= maxIndent ? deeper : `…  ${deeper.slice(6)}`
}
