import { calcPrice } from '@pydantic/genai-prices'

import type { LedgerEntry } from '../../examples/model-server/ledger.ts'

/** What a case costs, by the server's books; and what Runspan says it costs. The two have to be equal. */
export interface Numbers {
  readonly calls: number
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
  readonly toolCalls: number
  /** Billionths of a US dollar. */
  readonly nanoUsd: number
}

/** Adds up what was billed. A request counts as a call of the model, and a tool as called where it ran. */
export function addBill(entries: readonly LedgerEntry[], toolCalls: number): Numbers {
  const sum = (read: (entry: LedgerEntry) => number) => entries.reduce((total, entry) => total + read(entry), 0)
  return {
    calls: entries.length,
    input: sum((entry) => entry.inputTokens),
    output: sum((entry) => entry.outputTokens),
    cacheRead: sum((entry) => entry.cachedInputTokens),
    cacheWrite: sum((entry) => entry.cacheWriteInputTokens),
    reasoning: sum((entry) => entry.reasoningOutputTokens),
    toolCalls,
    nanoUsd: sum(priceEntry),
  }
}

/** The price of one request by the package that Runspan has its list prices from, asked in its own way. */
function priceEntry(entry: LedgerEntry): number {
  const price = calcPrice(
    {
      input_tokens: entry.inputTokens,
      cache_read_tokens: entry.cachedInputTokens,
      cache_write_tokens: entry.cacheWriteInputTokens,
      cache_write_1h_tokens: entry.cacheWriteHourInputTokens,
      output_tokens: entry.outputTokens,
    },
    entry.model,
    { providerId: providerOf(entry.endpoint) },
  )
  if (price === null)
    throw new Error(`Failed to price a case: nobody lists ${entry.model}. Use a model that is listed.`)
  return Math.round(price.total_price * 1e9)
}

function providerOf(endpoint: string): string {
  if (endpoint === '/v1/messages') return 'anthropic'
  return endpoint.startsWith('/v1beta/') ? 'google' : 'openai'
}
