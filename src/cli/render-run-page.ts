import type { RunNode } from '../query/family-tree.ts'
import type { Page } from '../query/page.ts'
import type { ListedRun, ParentRun, Review, RunFlag, StoredRun } from '../query/run-reader.ts'
import { statusOf } from './list-runs.ts'
import { plural } from './run-details.ts'
import { renderFamily } from './render-family.ts'
import { renderRun } from './render-run.ts'
import { oneLine } from './terminal-text.ts'

/** All that a page about one run says. */
export interface RunPage {
  readonly run: StoredRun
  readonly parent: ParentRun | undefined
  readonly children: Page<ListedRun>
  readonly reviews: readonly Review[]
}

/** How it is drawn. */
export interface RunPageStyle {
  readonly color: boolean
  readonly width: number
  readonly maxSpans: number
}

/** Draws one run: its numbers with its joined parts, who started it and whom it started, reviews, and its spans in time. */
export function renderRunPage({ run, parent, children, reviews }: RunPage, style: RunPageStyle): string {
  const node: RunNode = { kind: 'run', runId: run.runId, agent: run.agent, goal: run.goal, run, children: [] }
  const alone = {
    root: node,
    totals: run.totals,
    foreignTotals: run.foreignTotals,
    isComplete: run.gaps.length === 0,
    runCount: 1,
    spawnedCount: 0,
    missingCount: 0,
  }
  const links = [
    ...(parent === undefined ? [] : [`started by ${named(parent.runId, parent.run)}`]),
    ...children.items.toReversed().map((child) => `started ${named(child.runId, child)}`),
    ...(children.hasMore ? ['started more: runspan list --parent says which'] : []),
    ...waiting(run, children),
    ...(run.foundBy === 'run_id' ? [] : [`found by ${foundTexts[run.foundBy]}`]),
    ...(run.conversationId === undefined ? [] : [`thread ${run.conversationId}`]),
    ...(run.userId === undefined ? [] : [`user ${run.userId}`]),
    ...reviews.map(reviewText),
    ...run.flags.flatMap((flag) => flagTexts[flag] ?? []),
    ...(run.hasMoreSpans ? [`${plural(run.spanCount, 'span')}, of which ${run.spans.length} were read`] : []),
  ]
  return [
    // The last lines are a family's: its rule and its sum, which here are the run's own.
    renderFamily(alone, style)
      .split('\n')
      .filter((_, at, all) => at < all.findIndex((line) => line.includes('──')))
      .join('\n'),
    ...links.map((text) => `  ${oneLine(text)}`),
    '',
    renderRun(run, style),
  ].join('\n')
}

function named(runId: string, run: ListedRun | undefined): string {
  return run === undefined ? `${runId} (not there)` : `${run.agent ?? 'unknown agent'} ${runId} (${statusOf(run)})`
}

/** What it spawned and nobody has seen since. */
function waiting(run: StoredRun, children: Page<ListedRun>): readonly string[] {
  const there = new Set(children.items.flatMap(({ runId, requestedRunId }) => [runId, requestedRunId]))
  return run.dispatches
    .filter(({ isSpawn, childRunId }) => isSpawn && !there.has(childRunId))
    .map(({ agent, childRunId }) => `spawned ${agent ?? 'unknown agent'} ${childRunId} (not started, or still open)`)
}

function reviewText({ name, label, score, comment, reviewerKind }: Review): string {
  const said = [label, score === undefined ? undefined : String(score), comment].filter((part) => part !== undefined)
  return `${name ?? 'review'} by ${reviewerKind ?? 'somebody'}: ${said.join(' · ')}`
}

const foundTexts = {
  requested_run_id: 'the id that was asked for, and could not be kept',
  first_run_id: 'the id of its first delivery, of which nothing came',
} as const

/** Beside what the run's own row says. */
const flagTexts: Partial<Record<RunFlag, string>> = {
  late_spans: 'something ended after the root',
  spans_missing: 'spans are missing: some name a parent that is not there',
  truncated: 'the store gave a part of the trace only',
  evicted: 'the store has dropped it once: this came later',
  unmarked: 'nothing in the trace says that it is a run',
  cut: 'it has so many spans that not all were looked through for what no rollup holds',
}
