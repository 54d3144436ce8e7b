/** What one request was billed for. */
export interface LedgerEntry {
  readonly requestId: string
  readonly endpoint: string
  readonly model: string
  readonly stream: boolean
  /** `aborted`: the caller hung up, and pays for what was generated until then. */
  readonly status: 'completed' | 'aborted'
  /** All input tokens, cached ones included. */
  readonly inputTokens: number
  readonly cachedInputTokens: number
  /** Input tokens that were written to a cache on demand: 0 where the cache is the provider's own affair. */
  readonly cacheWriteInputTokens: number
  /** Those of them that are kept for an hour, not for five minutes, and cost more. */
  readonly cacheWriteHourInputTokens: number
  /** All output tokens, reasoning included. */
  readonly outputTokens: number
  readonly reasoningOutputTokens: number
  /** How many calls of tools the answer asked for. */
  readonly toolCalls: number
  /** Whether the response told the caller all of these numbers. */
  readonly usageSent: boolean
  /** Which run the call was for: the caller's `x-run-id`, else the trace id of its `traceparent`. */
  readonly runId?: string | undefined
  /** The caller's `OpenAI-Project`: which service this call is billed to. */
  readonly project?: string | undefined
}

/** Sums over ledger entries. */
export interface Bill {
  readonly calls: number
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningOutputTokens: number
}

/** Adds entries up. */
export function sumBill(entries: readonly LedgerEntry[]): Bill {
  const sum = (read: (entry: LedgerEntry) => number) => entries.reduce((total, entry) => total + read(entry), 0)
  return {
    calls: entries.length,
    inputTokens: sum((entry) => entry.inputTokens),
    cachedInputTokens: sum((entry) => entry.cachedInputTokens),
    outputTokens: sum((entry) => entry.outputTokens),
    reasoningOutputTokens: sum((entry) => entry.reasoningOutputTokens),
  }
}
