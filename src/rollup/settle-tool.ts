import { roleAbove } from './claims.ts'
import { statusError } from './span-like.ts'
import type { SpanNode } from './span-node.ts'
import { toolNameOf } from './span-role.ts'
import { currentSums, type Tally } from './tally.ts'

/** Counts a tool call, and its result where it came to one. */
export function settleTool(node: SpanNode): void {
  if (isSameToolAsAbove(node)) return
  const hasResult = node.span.status.code !== statusError
  for (let at: Tally | undefined = node.tally; at !== undefined; at = at.parent) {
    const sums = currentSums(at)
    sums.toolCalls++
    if (hasResult) sums.toolResults++
    if (at.named?.tools !== undefined) at.named.tools.add(toolNameOf(node.span.attributes) ?? node.span.name, 1)
  }
}

/** One tool call seen by a wrapper and by a framework is one call: the outer span of the same name stands for it. */
export function isSameToolAsAbove(node: SpanNode): boolean {
  let above = node.parent
  if (above === undefined || above.isAgent) return false
  const toolName = toolNameOf(node.span.attributes)
  if (toolName === undefined) return false
  for (; above !== undefined; above = above.parent) {
    const role = roleAbove(above)
    if (role === 'tool') return toolNameOf(above.span.attributes) === toolName
    if (role === 'agent' || role === 'leaf') return false
  }
  return false
}
