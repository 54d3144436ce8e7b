import type { Dispatch } from './dispatch.ts'
import { placeRuns, type Place } from './family-places.ts'
import { runKeyOf } from './run-key.ts'
import type { RunTree } from './run-tree.ts'
import { runTreesOf } from './run-trees.ts'
import type { StoredSpan } from './stored-span.ts'
import { sumOf, type Totals } from './totals.ts'

/** A run that has spans, with or without its root. */
export interface RunNode {
  readonly kind: 'run'
  readonly runId: string
  readonly agent: string | undefined
  readonly goal: string | undefined
  readonly run: RunTree
  /** Linked runs that name this one as their parent, in the order in which they started. */
  readonly children: readonly FamilyNode[]
}

/**
 * A run that is known, and has no span.
 *
 * - `spawned`: an id was minted and handed over; the run has not started, or nothing of it has come yet.
 * - `missing`: it was started, or others name it as their parent; its spans have not come, or are gone.
 */
export interface AbsentNode {
  readonly kind: 'spawned' | 'missing'
  /** A run id, or whatever text its children name it by. */
  readonly runId: string
  readonly agent: string | undefined
  readonly goal: string | undefined
  /** Where it was started from, if that is known. */
  readonly dispatch: Dispatch | undefined
  readonly children: readonly FamilyNode[]
}

/** A place in a family. */
export type FamilyNode = RunNode | AbsentNode

/** A root run and all its linked descendants. */
export interface Family {
  readonly root: FamilyNode
  /** The totals of its runs, added up. No two runs have a span in common, so none is counted twice. */
  readonly totals: Totals
  /** What of them no rollup holds, and the reader has counted; `undefined` where there is nothing. */
  readonly foreignTotals: Totals | undefined
  /** True where every run is there, and nothing can be missing from its numbers. */
  readonly isComplete: boolean
  /** Number of runs that have spans. */
  readonly runCount: number
  /** Number of runs that were spawned and have not started. */
  readonly spawnedCount: number
  /** Number of runs that were started, or are named, and have no span. */
  readonly missingCount: number
}

/**
 * Builds families from any bag of spans: of many traces, in any order, with copies, with gaps. Traces that are no runs
 * are left out. What has not come yet has a place where something else names it, so that the same families, and fuller
 * ones, come out when it has.
 *
 * A child is found by what its root says (`runspan.parent_run.id`), never by links alone: many backends drop those.
 * Only a run without a root is placed by the span that started it.
 *
 * @returns families in the order in which they started
 *
 * @example
 * ```ts
 * import { buildFamilies, type StoredSpan } from 'runspan/query'
 * import { startReceiver } from 'runspan/receiver'
 *
 * const spans: StoredSpan[] = []
 * const receiver = await startReceiver({ onSpans: (received) => void spans.push(...received) })
 * // … agents run …
 * await receiver.close()
 * for (const { root, totals } of buildFamilies(spans)) console.log(root.agent, totals.inputTokens, totals.costNanoUsd)
 * ```
 */
export function buildFamilies(spans: Iterable<StoredSpan>): readonly Family[] {
  return familiesOf(runTreesOf(spans))
}

/** The families that runs make up, in the order in which they started. */
export function familiesOf(runs: readonly RunTree[]): readonly Family[] {
  const places = placeRuns(runs)
  // Places come in the order in which they started, and so do the children of each.
  const childrenOf = new Map<Place | undefined, FamilyNode[]>([[undefined, []]])
  for (const place of places) childrenOf.set(place, [])
  for (const place of places) childrenOf.get(place.parent)!.push(nodeOf(place, childrenOf.get(place)!))
  return childrenOf.get(undefined)!.map(familyOf)
}

function nodeOf({ runId, run, dispatch }: Place, children: readonly FamilyNode[]): FamilyNode {
  const agent = run?.agent ?? dispatch?.agent
  const goal = run?.goal ?? dispatch?.goal
  if (run !== undefined) return { kind: 'run', runId, agent, goal, run, children }
  // Whoever has children has started, whatever else is missing of it.
  const isWaiting = dispatch?.isSpawn === true && children.length === 0
  return { kind: isWaiting ? 'spawned' : 'missing', runId, agent, goal, dispatch, children }
}

function familyOf(root: FamilyNode): Family {
  const nodes = [...walkFamily(root)].map(({ node }) => node)
  const runs = nodes.filter((node) => node.kind === 'run').map(({ run }) => run)
  const spawnedCount = nodes.filter(({ kind }) => kind === 'spawned').length
  const foreign = runs.map(({ foreignTotals }) => foreignTotals).filter((totals) => totals !== undefined)
  return {
    root,
    totals: sumOf(runs.map(({ totals }) => totals)),
    foreignTotals: foreign.length === 0 ? undefined : sumOf(foreign),
    isComplete: runs.length === nodes.length && runs.every(({ gaps }) => gaps.length === 0),
    runCount: runs.length,
    spawnedCount,
    missingCount: nodes.length - runs.length - spawnedCount,
  }
}

/** The family that a run belongs to, by its run id in any form. */
export function findFamily(families: readonly Family[], runId: string): Family | undefined {
  const wanted = runKeyOf(runId)
  return families.find(({ root }) => {
    for (const { node } of walkFamily(root)) {
      if (node.runId === wanted || (node.kind === 'run' && node.run.requestedRunId === wanted)) return true
    }
    return false
  })
}

/**
 * Walks a family, or a part of one.
 *
 * @yields every node, parents before their children, each with its distance from `root`
 */
export function* walkFamily(root: FamilyNode): Generator<{ readonly node: FamilyNode; readonly depth: number }> {
  // A stack of our own: families can be chains that are deeper than the engine's.
  const stack: { node: FamilyNode; depth: number }[] = [{ node: root, depth: 0 }]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next
    const { node, depth } = next
    for (const child of node.children.toReversed()) stack.push({ node: child, depth: depth + 1 })
  }
}
