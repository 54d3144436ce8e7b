import type { RunTree } from 'runspan/query'

import type { DemoRun } from './report.ts'

/** Input, cached input and output tokens. */
export type Tokens = readonly [input: number, cached: number, output: number]

/** Three answers to the question what a run has used. */
export interface Comparison {
  readonly agent: string
  /** What Runspan says: the rollup of the run, joined parts included. */
  readonly rollup: Tokens
  /** What the model server says. */
  readonly billed: Tokens
  /** What comes of adding up `gen_ai.usage.*` over the run's spans: containers repeat what is below them. */
  readonly addedUp: Tokens
}

/** Compares what was read back of a run with its bill. */
export function compareBill({ agent, bill }: DemoRun, { totals, spans }: RunTree): Comparison {
  const addUp = (key: string) =>
    spans.reduce((sum, span) => sum + Number(span.attributes[`gen_ai.usage.${key}`] ?? 0), 0)
  return {
    agent,
    rollup: [totals.inputTokens, totals.cacheReadInputTokens, totals.outputTokens],
    billed: [bill.inputTokens, bill.cachedInputTokens, bill.outputTokens],
    addedUp: [addUp('input_tokens'), addUp('cache_read.input_tokens'), addUp('output_tokens')],
  }
}

/** True where Runspan and the model server agree to the token. */
export function isBilledRight({ rollup, billed }: Comparison): boolean {
  return rollup.every((tokens, index) => tokens === billed[index])
}

/** The comparison as lines of text. */
export function renderComparisons(comparisons: readonly Comparison[]): string {
  const head = ['tokens: in / cached / out', 'rollup', 'billed', 'added-up spans']
  const rows = comparisons.map(({ agent, rollup, billed, addedUp }) => [
    agent,
    ...[rollup, billed, addedUp].map(renderTokens),
  ])
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)))
  return [head, ...rows]
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((row) => `  ${row.join('   ')}`)
    .join('\n')
}

function renderTokens(tokens: Tokens): string {
  return tokens.map((count) => count.toLocaleString('en-US')).join(' / ')
}
