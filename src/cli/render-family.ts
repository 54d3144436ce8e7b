import { walkFamily, type Family, type FamilyNode } from '../query/family-tree.ts'
import type { RunTree } from '../query/run-tree.ts'
import { isBound, reportedTotals, rowsBelow, type FamilyRow, type JoinedGroup } from './family-rows.ts'
import { costDecimals, formatDuration } from './format-numbers.ts'
import { painter } from './paint.ts'
import { detailsOf, plural, statusCell } from './run-details.ts'
import { drawTable, type Cell, type Line } from './table.ts'
import { oneLine } from './terminal-text.ts'
import { totalsCells, totalsHeadings, type NumberStyle } from './totals-cells.ts'
import { treeLines } from './tree-lines.ts'

/** Options of {@link renderFamily}. */
export interface RenderFamilyOptions {
  /** Whether to write colours: usually whether standard output is a terminal. @defaultValue false */
  readonly color?: boolean | undefined
  /** Columns of the terminal, at least 60; below about 90 some numbers are left out. @defaultValue 100 */
  readonly width?: number | undefined
}

/** Widest indentation, in columns: six generations. */
const maxIndent = 18

/**
 * Draws a family of runs as a tree for the terminal: how each run went, what it used, and the total.
 *
 * A run's numbers have its joined parts in them, which stand on dotted branches below it; linked runs have a bill of
 * their own. A `+` says "at least this": the lines below the run say what is missing.
 *
 * @returns lines without a last line break
 *
 * @example
 * ```ts
 * import { renderFamily } from 'runspan/cli'
 * import { buildFamilies, type StoredSpan } from 'runspan/query'
 *
 * const spans: StoredSpan[] = []
 * for (const family of buildFamilies(spans)) console.log(renderFamily(family, { color: process.stdout.isTTY }))
 * ```
 */
export function renderFamily(family: Family, options: RenderFamilyOptions = {}): string {
  const { color = false, width = 100 } = options
  const numbers = numbersOf(family)
  const lines: Line[] = [heading(numbers)]
  const top: FamilyRow = { kind: 'node', node: family.root }
  for (const { node: at, lead, hang } of treeLines([top], rowsBelow, maxIndent, ({ kind }) => kind === 'joined')) {
    if (at.kind === 'joined') lines.push(joinedLine(at.group, lead, numbers))
    else {
      lines.push(nodeLine(at.node, lead, numbers))
      for (const text of detailsOf(at.node)) lines.push({ kind: 'text', lead: hang, text })
    }
  }
  lines.push({ kind: 'rule' }, totalLine(family, numbers))
  for (const text of footnotes(family, lines)) lines.push({ kind: 'text', lead: '', text: { text, style: 'dim' } })
  return drawTable(lines, {
    width,
    paint: painter(color),
    aligns: ['left', 'right', ...totalsHeadings.map(() => 'right' as const)],
    // Cached, tools, model calls, time, errors, out, in: in the order in which they are missed least.
    dispensable: [3, 7, 6, 1, 8, 4, 2],
  })
}

function numbersOf(family: Family): NumberStyle {
  const runs = runsOf(family)
  const parts = runs.flatMap(({ totals, segments }) => [totals, ...segments.map((segment) => segment.totals)])
  const costs = parts.map((part) => part?.costNanoUsd).filter((cost) => cost !== undefined)
  const hasPartialCost = [family.totals, ...parts].some(
    (part) => part !== undefined && part.unpricedCalls > 0 && part.costNanoUsd !== undefined,
  )
  const hasBounds = hasPartialCost || family.missingCount > 0 || runs.some(({ gaps }) => isBound(gaps))
  return { decimals: costDecimals(costs), hasBounds, style: 'plain' }
}

function heading({ hasBounds }: NumberStyle): Line {
  const headings = ['status', 'time', ...totalsHeadings.map((text) => (hasBounds ? `${text} ` : text))]
  return row('', { text: 'run', style: 'dim' }, ...headings.map((text) => ({ text, style: 'dim' as const })))
}

function row(lead: string, name: Cell, ...cells: readonly Cell[]): Line {
  return { kind: 'row', label: { lead, name }, cells }
}

function nodeLine(node: FamilyNode, lead: string, numbers: NumberStyle): Line {
  const name = oneLine(node.agent ?? 'unknown agent')
  if (node.kind !== 'run') return row(lead, { text: name, style: 'plain' }, statusCell(node))
  const { durationMillis, gaps } = node.run
  const time: Cell =
    durationMillis === undefined
      ? { text: '–', style: 'dim' }
      : { text: formatDuration(durationMillis), style: 'plain' }
  const totals = totalsCells(reportedTotals(node.run), isBound(gaps), numbers)
  return row(lead, { text: name, style: 'bold' }, statusCell(node), time, ...totals)
}

function joinedLine(group: JoinedGroup, lead: string, numbers: NumberStyle): Line {
  const { service, name, segments, totals, durationMillis, failedCount } = group
  const times = segments.length > 1 ? ` ×${segments.length}` : ''
  const label = service === undefined ? `${name}${times}` : `${service}${times}: ${name}`
  return row(
    lead,
    { text: oneLine(label), style: 'plain' },
    failedCount === 0 ? { text: 'joined', style: 'dim' } : { text: 'failed', style: 'bad' },
    { text: formatDuration(durationMillis), style: 'dim' },
    ...totalsCells(totals, isBound(segments.flatMap(({ gaps }) => gaps)), { ...numbers, style: 'dim' }),
  )
}

function totalLine(family: Family, numbers: NumberStyle): Line {
  const { runCount, missingCount, totals } = family
  const runs = runsOf(family)
  const isReported = runs.some((run) => reportedTotals(run) !== undefined)
  const isLower = missingCount > 0 || runs.some(({ gaps }) => isBound(gaps))
  return row(
    '',
    { text: `family of ${plural(runCount, 'run')}`, style: 'bold' },
    { text: '', style: 'plain' },
    { text: formatDuration(spanOfTime(family)), style: 'plain' },
    ...totalsCells(isReported ? totals : undefined, isLower, { ...numbers, style: 'bold' }),
  )
}

function runsOf({ root }: Family): readonly RunTree[] {
  return [...walkFamily(root)].flatMap(({ node }) => (node.kind === 'run' ? [node.run] : []))
}

/** Milliseconds from the start of the first run to the end of the last, as far as their spans say. */
function spanOfTime(family: Family): number {
  let from: bigint | undefined
  let to: bigint | undefined
  for (const { startUnixNano, spans, root } of runsOf(family)) {
    if (from === undefined || startUnixNano < from) from = startUnixNano
    for (const { endUnixNano } of root === undefined ? spans : [root]) {
      if (to === undefined || endUnixNano > to) to = endUnixNano
    }
  }
  return from === undefined || to === undefined ? 0 : Math.max(0, Number(to - from) / 1e6)
}

/** Most names that a footnote lists. */
const maxNames = 3

function footnotes(family: Family, lines: readonly Line[]): readonly string[] {
  const { spawnedCount, missingCount } = family
  const notes: string[] = []
  const hasBounds = lines.some((line) => line.kind === 'row' && line.cells.some(({ text }) => text.endsWith('+')))
  if (hasBounds) notes.push('+ at least this much: what is missing or unpriced stands above')
  if (spawnedCount > 0) notes.push(`${plural(spawnedCount, 'run')} spawned and not started`)
  if (missingCount > 0) notes.push(`${plural(missingCount, 'run')} missing: started or named, and no span has come`)
  const handedOut = runsOf(family)
    .filter(({ gaps }) => gaps.includes('elsewhere'))
    .map(({ agent, runId }) => oneLine(agent ?? runId))
  if (handedOut.length > 0) {
    const names = handedOut.length <= maxNames ? handedOut.join(', ') : plural(handedOut.length, 'run')
    notes.push(`handed to others, who may have parts that have not come: ${names}`)
  }
  return notes
}
