import type { ListedThread } from '../query/run-reader.ts'
import { costDecimals, formatCount } from './format-numbers.ts'
import { dim, type ListStyle } from './list-runs.ts'
import { timeText } from './time-text.ts'
import { painter } from './paint.ts'
import { drawTable, type Cell, type Line } from './table.ts'
import { oneLine } from './terminal-text.ts'
import { totalsCells, totalsHeadings } from './totals-cells.ts'

/** Draws threads as a table: one line each. */
export function renderThreads(threads: readonly ListedThread[], { color, width }: ListStyle): string {
  const costs = threads.map(({ totals }) => totals.costNanoUsd).filter((cost) => cost !== undefined)
  const numbers = { decimals: costDecimals(costs), hasBounds: false, style: 'plain' as const }
  const lines: Line[] = [line(dim('thread'), ['agents', 'user', 'runs', 'active', ...totalsHeadings].map(dim))]
  for (const { conversationId, agents, userIds, runCount, lastActiveUnixNano, totals } of threads) {
    lines.push(
      line({ text: oneLine(conversationId), style: 'bold' }, [
        { text: oneLine(agents.join(', ')), style: 'plain' },
        { text: oneLine(userIds.join(', ')), style: 'plain' },
        { text: formatCount(runCount), style: 'plain' },
        dim(timeText(lastActiveUnixNano)),
        ...totalsCells(totals, false, numbers),
      ]),
    )
  }
  return drawTable(lines, {
    width,
    paint: painter(color),
    aligns: ['left', 'left', 'right', 'left', ...totalsHeadings.map(() => 'right' as const)],
    dispensable: [5, 9, 8, 10, 6, 4, 1],
  })
}

function line(name: Cell, cells: readonly Cell[]): Line {
  return { kind: 'row', label: { lead: '', name }, cells }
}
