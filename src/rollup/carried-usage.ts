import type { SpanFacts } from './span-facts.ts'
import { hear, type SpanNode } from './span-node.ts'
import { raise } from './tally.ts'

/**
 * Flags what a container claims beyond what was counted below it: usage that was passed in from an earlier call or run,
 * as frameworks do which hand one usage object on. Nothing is flagged where something below said nothing of its usage
 * or has not ended: then the container may well know more.
 */
export function flagCarriedUsage(node: SpanNode, facts: SpanFacts): void {
  const { below } = node
  if (below === undefined || below.openChildren > 0 || below.hasOpen || below.silent > 0) return
  const excess = facts.inputTokens + facts.outputTokens - below.tokens - below.carried
  if (excess <= 0) return
  below.carried += excess
  raise(node.tally, 'carried', excess)
}

/** Passes up what the next container above may rightly claim. */
export function passTokensUp(node: SpanNode): void {
  const { parent } = node
  if (parent === undefined) return
  const above = hear(parent)
  if (node.ownTokens > 0) above.tokens += node.ownTokens
  const { below } = node
  if (below === undefined) return
  if (below.openChildren > 0 || below.hasOpen) above.hasOpen = true
  if (node.ownTokens < 0) above.tokens += below.tokens
  above.carried += below.carried
}
