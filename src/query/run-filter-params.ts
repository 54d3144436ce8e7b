import { RunspanError } from '../errors.ts'
import type { RunFilter } from './run-filter.ts'

/** How each part of a filter is written in an address: `agent=planner&minCostNanoUsd=1000`. */
const readers = {
  agent: String,
  service: String,
  userId: String,
  conversationId: String,
  status: String,
  parentRunId: String,
  rootRunId: String,
  requestedRunId: String,
  firstRunId: String,
  text: String,
  fromUnixMillis: Number,
  toUnixMillis: Number,
  minCostNanoUsd: BigInt,
  maxCostNanoUsd: BigInt,
} as const satisfies { readonly [K in keyof RunFilter]-?: (text: string) => RunFilter[K] }

/** Writes a filter as parameters of an address. */
export function toFilterParams(filter: RunFilter): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
}

/**
 * Reads what {@link toFilterParams} has written; parameters that are none of a filter's are left alone.
 *
 * @throws {@link RunspanError} `bad_request` where a value is none
 */
export function fromFilterParams(params: URLSearchParams): RunFilter {
  const entries = Object.entries(readers).flatMap(([key, read]) => {
    const text = params.get(key)
    return text === null ? [] : [[key, valueOf(key, text, read)] as const]
  })
  return Object.fromEntries(entries)
}

function valueOf(key: string, text: string, read: (text: string) => unknown): unknown {
  try {
    const value = read(text)
    if (!Number.isNaN(value)) return value
  } catch {
    // Said below.
  }
  throw new RunspanError('bad_request', `Failed to read: ${key} cannot be ${JSON.stringify(text)}. Use a whole number.`)
}
