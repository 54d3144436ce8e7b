import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'

import type { NaiveTotals } from './naive-totals.ts'

const keys: Readonly<Record<keyof NaiveTotals, string>> = {
  input: 'usage.input_tokens',
  output: 'usage.output_tokens',
  cacheRead: 'usage.cache_read.input_tokens',
  nanoUsd: 'cost.nano_usd',
  llmCalls: 'calls.llm',
  unpriced: 'calls.unpriced',
  toolCalls: 'calls.tool',
  errors: 'errors',
  spans: 'spans',
  suppressed: 'rollup.suppressed_spans',
}

/** What rollups say, added up. @param prefix `runspan.`, or that of amendments */
export function totalsOn(spans: readonly ReadableSpan[], prefix: string): NaiveTotals {
  const sum = (key: string): number =>
    spans.map((span) => Number(span.attributes[prefix + key] ?? 0)).reduce((a, b) => a + b, 0)
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, sum(key)])) as unknown as NaiveTotals
}
