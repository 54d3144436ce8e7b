import type { Totals } from '../query/totals.ts'
import { formatCost, formatCount } from './format-numbers.ts'
import type { Style } from './paint.ts'
import type { Cell } from './table.ts'

/** Headings of the cells that {@link totalsCells} makes. */
export const totalsHeadings = ['in', 'cached', 'out', 'cost', 'llm', 'tool', 'err'] as const

/** What decides how numbers are written. */
export interface NumberStyle {
  /** Decimals of every cost in the table. */
  readonly decimals: number
  /** Whether the table has numbers that are lower bounds: then every other one leaves room for the `+`. */
  readonly hasBounds: boolean
  readonly style: Style
}

/**
 * Totals as cells: tokens in, cached, out, cost, model calls, tool calls, errors. What was not there shows as `–`, and a
 * cost nobody knows as `unpriced`: never as 0.
 *
 * @param totals `undefined` where nobody reported any
 * @param isBound whether parts are known to be missing: the numbers are lower bounds, and show a `+`
 */
export function totalsCells(totals: Totals | undefined, isBound: boolean, numbers: NumberStyle): readonly Cell[] {
  const { style, decimals, hasBounds } = numbers
  if (totals === undefined) return totalsHeadings.map(() => ({ text: hasBounds ? '? ' : '?', style: 'odd' as const }))
  const marked = (text: string, isLower: boolean): string => text + (isLower ? '+' : hasBounds ? ' ' : '')
  const cell = (text: string, isLower: boolean): Cell => ({ text: marked(text, isLower), style })
  const nothing: Cell = { text: marked('–', false), style: 'dim' }
  const counted = (count: number): Cell => (count === 0 && !isBound ? nothing : cell(formatCount(count), isBound))
  const calls = totals.llmCalls
  return [
    calls === 0 && !isBound ? nothing : cell(formatCount(totals.inputTokens), isBound),
    totals.cacheReadInputTokens === 0 ? nothing : cell(formatCount(totals.cacheReadInputTokens), isBound),
    calls === 0 && !isBound ? nothing : cell(formatCount(totals.outputTokens), isBound),
    costCell(totals),
    counted(calls),
    counted(totals.toolCalls),
    totals.errors === 0 ? nothing : { ...cell(formatCount(totals.errors), isBound), style: 'bad' },
  ]

  function costCell({ costNanoUsd, unpricedCalls }: Totals): Cell {
    if (costNanoUsd !== undefined) return cell(formatCost(costNanoUsd, decimals), isBound || unpricedCalls > 0)
    return calls === 0 ? nothing : { text: marked('unpriced', false), style: 'odd' }
  }
}
