import { formatTotals } from '../../src/propagation/totals-header.ts'
import type { PartTotals } from '../../src/run/part-totals.ts'
import type { Subtotal } from '../../src/run/run-tally.ts'

const oneCall: Subtotal = {
  input: 5,
  output: 1,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  nanoUsd: 10_000_000,
  reported: 1,
  priced: 0,
  unpriced: 0,
  llmCalls: 1,
  toolCalls: 0,
  errors: 0,
  spans: 2,
}

/** What is different from a part that is done and came to one model call. */
interface ForeignPart {
  readonly segmentId?: string
  readonly state?: PartTotals['state']
  readonly subtotal?: Partial<Subtotal>
}

/** What a process that is not there says its part of a run came to. */
export function foreignTotals(
  runId: string,
  { segmentId = 'a'.repeat(16), state = 'final', subtotal }: ForeignPart = {},
): string {
  return formatTotals(runId, { segmentId, nestedIds: [], state, subtotal: { ...oneCall, ...subtotal } })
}
