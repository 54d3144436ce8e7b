import { ATTR_RUNSPAN_ROLLUP_COMPLETE, ATTR_RUNSPAN_ROLLUP_OPEN_SPANS } from '../attributes.ts'
import { flagAt, numberAt } from './attribute-values.ts'
import type { StoredSpan } from './stored-span.ts'
import { lateTotalsOf, rollupOf, sumOf, type Totals } from './totals.ts'

/**
 * What may be missing from numbers.
 *
 * - `root`: the root span has not come; its part is counted as of the latest checkpoint, or not at all.
 * - `rollup`: the root carries no numbers: its process has no `RunRollupProcessor`.
 * - `open_spans`: spans had not ended when the numbers were written, and no amendment has reported them since.
 * - `elsewhere`: the run was handed to others, who report their parts themselves. Nobody knows how many there are, so
 *   this one says "may", and stays also when all have come.
 */
export type Gap = 'root' | 'rollup' | 'open_spans' | 'elsewhere'

/** The numbers that one process reported of a run: on the root of the run or of a segment, and in amendments. */
export interface Part {
  /** Rollup and amendments; `undefined` where nothing was reported. */
  readonly totals: Totals | undefined
  /** What amendments alone reported; `undefined` where none came. */
  readonly lateTotals: Totals | undefined
  /** What may be missing from them. */
  readonly gaps: readonly Gap[]
  /** Spans that had not ended when the rollup was written, and that no amendment has reported. */
  readonly openSpans: number
}

/**
 * Reads a part. A root that has not come may have amendments all the same.
 *
 * @param checkpoint what stands for the numbers of a root that has not come
 */
export function partOf(root: StoredSpan | undefined, amendments: readonly StoredSpan[], checkpoint?: StoredSpan): Part {
  const reporting = root ?? checkpoint
  const rollup = reporting === undefined ? undefined : rollupOf(reporting.attributes)
  const late = sumOf(amendments.map(({ attributes }) => lateTotalsOf(attributes)))
  const known = [...(rollup === undefined ? [] : [rollup]), ...(amendments.length === 0 ? [] : [late])]
  const totals = known.length === 0 ? undefined : sumOf(known)
  const lateTotals = amendments.length === 0 ? undefined : late
  if (root === undefined) return { totals, lateTotals, gaps: ['root'], openSpans: 0 }
  if (rollup === undefined) return { totals, lateTotals, gaps: ['rollup'], openSpans: 0 }
  const openSpans = Math.max(0, (numberAt(root.attributes, ATTR_RUNSPAN_ROLLUP_OPEN_SPANS) ?? 0) - late.spans)
  if (openSpans > 0) return { totals, lateTotals, gaps: ['open_spans'], openSpans }
  // One flag for two reasons: where amendments have filled what was open, the run may still have been handed out.
  const isComplete = flagAt(root.attributes, ATTR_RUNSPAN_ROLLUP_COMPLETE) === true
  return { totals, lateTotals, gaps: isComplete ? [] : ['elsewhere'], openSpans }
}
