import type { Segment } from '../run/segment.ts'
import { formatTotals } from './totals-header.ts'

/** What a segment tells its caller, as it goes on the wire. */
export interface ToldTotals {
  readonly text: string
  /** Whether the caller need not wait for more. */
  readonly isLastWord: boolean
}

/**
 * What a segment can tell its caller now; nothing where no processor sums it up.
 *
 * @param isOver whether nothing comes after this: without that it is no last word
 */
export function tellTotals(segment: Segment, failed: boolean, isOver: boolean): ToldTotals | undefined {
  const context = segment.rootContext
  if (context === undefined) return undefined
  const totals = segment.tally?.partTotals(context.spanId, failed)
  if (totals === undefined) return undefined
  // What the segment reports of itself counts at its end, and only if nothing below it did.
  const maySayMore = !isOver || segment.reportsItself
  const told = totals.state === 'final' && maySayMore ? { ...totals, state: 'partial' as const } : totals
  return { text: formatTotals(segment.runId, told), isLastWord: told.state !== 'partial' }
}
