import type { Page, PageFlag } from '../query/page.ts'
import type { ListedRun } from '../query/run-reader.ts'
import { isBound } from './family-rows.ts'
import { costDecimals, formatCount, formatDuration } from './format-numbers.ts'
import { painter } from './paint.ts'
import { statusStyle } from './run-details.ts'
import { drawTable, type Line } from './table.ts'
import { oneLine } from './terminal-text.ts'
import { timeText } from './time-text.ts'
import { totalsCells, totalsHeadings, type NumberStyle } from './totals-cells.ts'

/** A cell that stands back. */
export function dim(text: string): { readonly text: string; readonly style: 'dim' } {
  return { text, style: 'dim' }
}

/** How a list is drawn. */
export interface ListStyle {
  readonly color: boolean
  readonly width: number
}

/** Draws runs as a table: one line each. */
export function renderRuns(runs: readonly ListedRun[], { color, width }: ListStyle): string {
  const numbers = numbersOf(runs)
  const lines: Line[] = [
    row(dim('agent'), [dim('run'), dim('started'), dim('status'), dim('time'), ...totalsHeadings.map(dim)]),
  ]
  for (const run of runs) {
    lines.push(
      row({ text: oneLine(run.agent ?? 'unknown agent'), style: 'bold' }, [
        dim(run.runId),
        dim(timeText(run.startUnixNano)),
        { text: oneLine(statusOf(run)), style: statusStyle(statusOf(run)) },
        run.durationMillis === undefined ? dim('–') : { text: formatDuration(run.durationMillis), style: 'plain' },
        ...totalsCells(isCounted(run) ? run.totals : undefined, isBound(run.gaps), numbers),
      ]),
    )
  }
  return drawTable(lines, {
    width,
    // When a run started is worth more than room for a long name.
    labelRoom: 8,
    paint: painter(color),
    aligns: ['left', 'left', 'left', 'right', ...totalsHeadings.map(() => 'right' as const)],
    // As in a family: cached, tools, model calls, errors, out, in, then when.
    dispensable: [5, 9, 8, 10, 6, 4, 1],
  })
}

/** Whether the run's own process has said how far it is. */
function isCounted({ gaps, checkpointUnixNano }: ListedRun): boolean {
  return checkpointUnixNano !== undefined || !gaps.includes('root')
}

/** What a run's status is called: `open` has no root. */
export function statusOf(run: ListedRun): string {
  return run.status ?? (run.gaps.includes('root') ? 'open' : 'ended')
}

function numbersOf(runs: readonly ListedRun[]): NumberStyle {
  const costs = runs.map(({ totals }) => totals.costNanoUsd).filter((cost) => cost !== undefined)
  return { decimals: costDecimals(costs), hasBounds: runs.some(({ gaps }) => isBound(gaps)), style: 'plain' }
}

function row(name: { text: string; style: 'dim' | 'bold' }, cells: Extract<Line, { kind: 'row' }>['cells']): Line {
  return { kind: 'row', label: { lead: '', name }, cells }
}

/** What stands below a page: how much of it there is, and what may be missing. */
export function pageNotes({ items, offset, total, hasMore, flags }: Page<unknown>, what: string): readonly string[] {
  const notes: string[] = []
  if (hasMore) {
    const all = total === undefined ? 'more' : formatCount(total)
    notes.push(
      `${what} ${offset + 1} to ${offset + items.length} of ${all}; go on with --offset ${offset + items.length}`,
    )
  }
  return [...notes, ...flags.map((flag) => flagTexts[flag])]
}

const flagTexts: Readonly<Record<PageFlag, string>> = {
  cut: 'the store looked through a part of its traces only: narrow the filter, or the time',
  evicted: 'the store has dropped its oldest runs',
}
