import type { SpanFacts } from './span-facts.ts'
import type { SpanNode } from './span-node.ts'
import { raise } from './tally.ts'

/**
 * Flags what a container claims beyond what was counted below it: usage that was passed in from an earlier call or run,
 * as frameworks do which hand one usage object on. Nothing is flagged where something below said nothing of its usage
 * or has not ended: then the container may well know more.
 */
export function flagCarriedUsage(node: SpanNode, facts: SpanFacts): void {
  if (node.openChildren > 0 || node.hasOpenBelow || node.silentBelow > 0) return
  const excess = facts.input + facts.output - node.tokensBelow - node.carriedBelow
  if (excess <= 0) return
  node.carriedBelow += excess
  raise(node.tally, 'carried', excess)
}

/** Passes up what the next container above may rightly claim. */
export function passTokensUp(node: SpanNode): void {
  const { parent } = node
  if (parent === undefined) return
  parent.openChildren--
  if (node.openChildren > 0 || node.hasOpenBelow) parent.hasOpenBelow = true
  parent.tokensBelow += node.ownTokens < 0 ? node.tokensBelow : node.ownTokens
  parent.carriedBelow += node.carriedBelow
}
