import type { FamilyNode } from '../query/family-tree.ts'
import type { Gap } from '../query/part.ts'
import type { RunTree } from '../query/run-tree.ts'
import type { Segment } from '../query/segment.ts'
import { sumOf, type Totals } from '../query/totals.ts'

/** A row of a family: a run, or the joined work of one service for a run. */
export type FamilyRow =
  | { readonly kind: 'node'; readonly node: FamilyNode }
  | { readonly kind: 'joined'; readonly group: JoinedGroup }

/** Segments of one run that are the same work: by the same service, under the same name. */
export interface JoinedGroup {
  readonly service: string | undefined
  /** Name of the segments' root spans. */
  readonly name: string
  readonly segments: readonly Segment[]
  /** `undefined` where none of them reported any. */
  readonly totals: Totals | undefined
  /** Added up: they may have been at work at the same time. */
  readonly durationMillis: number
  readonly failedCount: number
}

/** What hangs below a row: joined work and linked runs, in the order in which they started. */
export function rowsBelow(row: FamilyRow): readonly FamilyRow[] {
  if (row.kind === 'joined') return []
  const { node } = row
  const groups = node.kind === 'run' ? groupsOf(node.run.segments) : []
  const joined = groups.map((group) => ({ row: { kind: 'joined' as const, group }, from: startOf(group) }))
  const linked = node.children.map((child) => ({
    row: { kind: 'node' as const, node: child },
    from: startOfNode(child),
  }))
  return [...joined, ...linked]
    .toSorted((a, b) => (a.from === b.from ? 0 : (a.from ?? 0n) < (b.from ?? 0n) ? -1 : 1))
    .map(({ row: below }) => below)
}

function startOf({ segments }: JoinedGroup): bigint {
  return segments[0]!.span.startUnixNano
}

function startOfNode(node: FamilyNode): bigint | undefined {
  if (node.kind === 'run') return node.run.startUnixNano
  if (node.dispatch !== undefined) return node.dispatch.span.startUnixNano
  return node.children[0] === undefined ? undefined : startOfNode(node.children[0])
}

function groupsOf(segments: readonly Segment[]): readonly JoinedGroup[] {
  const groups = new Map<string, Segment[]>()
  for (const segment of segments) {
    const key = JSON.stringify([segment.service, segment.span.name])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [segment])
    else group.push(segment)
  }
  return [...groups.values()].map((group) => {
    const totals = group.map((segment) => segment.totals).filter((part) => part !== undefined)
    return {
      service: group[0]!.service,
      name: group[0]!.span.name,
      segments: group,
      totals: totals.length === 0 ? undefined : sumOf(totals),
      durationMillis: group.reduce((sum, { durationMillis }) => sum + durationMillis, 0),
      failedCount: group.filter(({ span }) => span.status.code === 'error').length,
    }
  })
}

/** Whether something is known to be missing from numbers, so that they are lower bounds. */
export function isBound(gaps: readonly Gap[]): boolean {
  return gaps.some((gap) => gap !== 'elsewhere')
}

/** A run's totals, where anybody reported any. */
export function reportedTotals(run: RunTree): Totals | undefined {
  const isReported = run.ownTotals !== undefined || run.segments.some(({ totals }) => totals !== undefined)
  return isReported ? run.totals : undefined
}
