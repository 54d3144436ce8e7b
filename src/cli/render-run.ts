import { ATTR_ERROR_TYPE } from '../attributes.ts'
import { textAt } from '../query/attribute-values.ts'
import { dispatchOf } from '../query/dispatch.ts'
import { durationMillisOf } from '../query/duration.ts'
import { isLiveSpan } from '../query/live-spans.ts'
import type { RunTree } from '../query/run-tree.ts'
import { isSegmentRoot } from '../query/segment.ts'
import { serviceOf } from '../query/service-of.ts'
import { spanForest } from '../query/span-forest.ts'
import type { StoredSpan } from '../query/stored-span.ts'
import { formatDuration } from './format-numbers.ts'
import { painter } from './paint.ts'
import { plural } from './run-details.ts'
import { drawTable, type Cell, type Line } from './table.ts'
import { oneLine } from './terminal-text.ts'
import { treeLines } from './tree-lines.ts'

/** Options of {@link renderRun}. */
export interface RenderRunOptions {
  /** Whether to write colours: usually whether standard output is a terminal. @defaultValue false */
  readonly color?: boolean | undefined
  /** Columns of the terminal. @defaultValue 100 */
  readonly width?: number | undefined
  /** Spans to draw at most; how many are left out is said. @defaultValue 200 */
  readonly maxSpans?: number | undefined
}

/** Widest indentation, in columns: fifteen levels. */
const maxIndent = 45
/** Columns of a bar that lasts as long as the run. */
const barWidth = 28

/**
 * Draws one run as the tree of its spans, each with a bar where it stands in time. Joined work hangs on dotted branches
 * with the service that did it; an arrow leads to a run that a span started.
 *
 * @returns lines without a last line break
 */
export function renderRun(run: RunTree, options: RenderRunOptions = {}): string {
  const { color = false, width = 100, maxSpans = 200 } = options
  // Of a run that is over, what said that it was open says nothing.
  const spans = run.root === undefined ? run.spans : run.spans.filter((span) => !isLiveSpan(span))
  const barOf = timeline(spans)
  const about = [run.runId, run.status ?? 'no root'].map(oneLine).join(' · ')
  const lines: Line[] = [{ kind: 'text', lead: '', text: { text: about, style: 'dim' } }]
  const drawn = treeLines(
    spanForest(spans),
    ({ children }) => children,
    maxIndent,
    ({ span }) => isSegmentRoot(span),
  )
  for (const { node, lead } of drawn) {
    if (lines.length > maxSpans) break
    const { span } = node
    const time: Cell = { text: formatDuration(durationMillisOf(span)), style: 'plain' }
    const bar: Cell = { text: barOf(span), style: span.status.code === 'error' ? 'bad' : 'waiting' }
    lines.push({ kind: 'row', label: { lead, name: nameOf(span) }, cells: [time, bar, failureOf(span)] })
  }
  const left = spans.length + 1 - lines.length
  if (left > 0) {
    lines.push({ kind: 'text', lead: '', text: { text: `… and ${plural(left, 'span')} more`, style: 'dim' } })
  }
  return drawTable(lines, { width, paint: painter(color), aligns: ['right', 'left', 'left'], dispensable: [1, 2] })
}

function nameOf(span: StoredSpan): Cell {
  const service = isSegmentRoot(span) ? serviceOf(span) : undefined
  const child = dispatchOf(span)?.childRunId
  const name = `${service === undefined ? '' : `${service}: `}${span.name}`
  return {
    text: oneLine(child === undefined ? name : `${name} → ${child.slice(0, 8)}`),
    style: span.parentSpanId === undefined ? 'bold' : 'plain',
  }
}

function failureOf(span: StoredSpan): Cell {
  if (span.status.code !== 'error') return { text: '', style: 'plain' }
  return { text: oneLine(`✗ ${textAt(span.attributes, ATTR_ERROR_TYPE) ?? ''}`), style: 'bad' }
}

/** Draws spans on one axis: from the first start to the last end. */
function timeline(spans: readonly StoredSpan[]): (span: StoredSpan) => string {
  let from = spans[0]?.startUnixNano ?? 0n
  let to = from
  for (const { startUnixNano, endUnixNano } of spans) {
    if (startUnixNano < from) from = startUnixNano
    if (endUnixNano > to) to = endUnixNano
  }
  const perColumn = Math.max(1, Number(to - from)) / barWidth
  return ({ startUnixNano, endUnixNano }) => {
    const start = Math.min(barWidth - 1, Math.floor(Number(startUnixNano - from) / perColumn))
    const length = Math.round(Number(endUnixNano - startUnixNano) / perColumn)
    return ' '.repeat(start) + '━'.repeat(Math.max(1, Math.min(barWidth - start, length)))
  }
}
