import type { Paint, Style } from './paint.ts'
import { pad, truncate, widthOf } from './terminal-text.ts'

/** One cell of a row. */
export interface Cell {
  readonly text: string
  readonly style: Style
}

/** The first cell of a row: the branches of the tree, and a name that may be cut. */
export interface Label {
  readonly lead: string
  readonly name: Cell
}

/** A line of a table: a row of cells, a text that runs across, or a rule. */
export type Line =
  | { readonly kind: 'row'; readonly label: Label; readonly cells: readonly Cell[] }
  | { readonly kind: 'text'; readonly lead: string; readonly text: Cell }
  | { readonly kind: 'rule' }

/** How a table is drawn. */
export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number
  readonly paint: Paint
  /** How each cell after the label is aligned. */
  readonly aligns: readonly ('left' | 'right')[]
  /** Columns that labels get at least, whatever is left out for it. @defaultValue 20 */
  readonly labelRoom?: number | undefined
  /** Cells that are left out, first to last, where the terminal is too narrow for all of them. */
  readonly dispensable: readonly number[]
}

/** Columns that are kept for labels, and for names behind their branches, at least. */
const minLabelWidth = 20
const minNameWidth = 8
const gap = '  '

/** Draws a table: as narrow as its cells allow, and no wider than the terminal as long as the labels stay readable. */
export function drawTable(lines: readonly Line[], options: TableOptions): string {
  const { width, paint, aligns, labelRoom = minLabelWidth } = options
  const rows = lines.filter((line) => line.kind === 'row')
  const widths = aligns.map((_, column) => Math.max(0, ...rows.map(({ cells }) => widthOf(cells[column]?.text ?? ''))))
  const room = Math.max(labelRoom, ...rows.map(({ label }) => widthOf(label.lead) + minNameWidth))
  const shown = columnsThatFit(widths, room, options)
  const cellsWidth = shown.reduce((sum, column) => sum + gap.length + widths[column]!, 0)
  const wanted = Math.max(room, ...rows.map(({ label }) => widthOf(label.lead + label.name.text)))
  const labelWidth = Math.max(room, Math.min(wanted, width - cellsWidth))
  const draw = (line: Line): string => {
    if (line.kind === 'rule') return paint('dim', '─'.repeat(labelWidth + cellsWidth))
    if (line.kind === 'text') {
      const text = truncate(line.text.text, width - widthOf(line.lead))
      return paint('dim', line.lead) + paint(line.text.style, text)
    }
    const cells = shown.map((column) => {
      const { text, style } = line.cells[column] ?? { text: '', style: 'plain' }
      return gap + paint(style, pad(text, widths[column]!, aligns[column]!))
    })
    return drawLabel(line.label, labelWidth, paint) + cells.join('')
  }
  return lines.map((line) => draw(line).trimEnd()).join('\n')
}

function columnsThatFit(
  widths: readonly number[],
  labelWidth: number,
  { width, dispensable }: TableOptions,
): readonly number[] {
  const left = [...dispensable]
  // A column without a single cell is none.
  let shown = [...widths.keys()].filter((column) => widths[column]! > 0)
  const isTooWide = (): boolean => shown.reduce((sum, column) => sum + gap.length + widths[column]!, labelWidth) > width
  while (left.length > 0 && isTooWide()) {
    const dropped = left.shift()
    shown = shown.filter((column) => column !== dropped)
  }
  return shown
}

function drawLabel({ lead, name }: Label, width: number, paint: Paint): string {
  const room = Math.max(1, width - widthOf(lead))
  return paint('dim', lead) + paint(name.style, pad(truncate(name.text, room), room, 'left'))
}
