import type { StoredSpan } from 'runspan/receiver'

import type { DemoRun } from './report.ts'

/** Input, cached input and output tokens. */
export type Tokens = readonly [input: number, cached: number, output: number]

/** Three answers to the question what a run has used. */
export interface Comparison {
  readonly agent: string
  readonly runId: string
  /** What Runspan says: the rollups on the run's root and on the roots of its segments. */
  readonly rollup: Tokens
  /** What the model server says. */
  readonly billed: Tokens
  /** What comes of adding up `gen_ai.usage.*` over the run's spans: containers repeat what is below them. */
  readonly addedUp: Tokens
}

/** Compares the rollups of a run with its bill. */
export function compareBill({ runId, agent, bill }: DemoRun, spans: readonly StoredSpan[]): Comparison {
  const ofRun = spans.filter((span) => span.traceId === runId)
  const rollups = ofRun.filter(({ attributes }) => {
    const scope = attributes['runspan.rollup.scope']
    // A segment in the run's own process is in the run's numbers already.
    return scope === 'run' || (scope === 'segment' && attributes['runspan.segment.local'] !== true)
  })
  return {
    agent,
    runId,
    rollup: sumTokens(rollups, 'runspan.usage'),
    billed: [bill.inputTokens, bill.cachedInputTokens, bill.outputTokens],
    addedUp: sumTokens(ofRun, 'gen_ai.usage'),
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
  return tokens.join(' / ')
}

function sumTokens(spans: readonly StoredSpan[], prefix: string): Tokens {
  const sum = (key: string) =>
    spans.reduce((total, span) => total + Number(span.attributes[`${prefix}.${key}`] ?? 0), 0)
  return [sum('input_tokens'), sum('cache_read.input_tokens'), sum('output_tokens')]
}
