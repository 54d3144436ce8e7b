import type { Subtotal } from '../run/run-tally.ts'

/** What model calls add up to, as plain numbers. */
export type CallNumbers = Omit<Subtotal, 'toolCalls' | 'errors' | 'spans'>

/** Tokens as users read them; details are parts of the totals. */
export interface TokenTotals {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadInputTokens: number
  readonly cacheWriteInputTokens: number
  readonly reasoningOutputTokens: number
}

/** The same, to be added to. */
export type GrowingNumbers = { -readonly [Name in keyof CallNumbers]: CallNumbers[Name] }

/**
 * Plain sums over model calls. Cost is in whole billionths of a US dollar, which a double adds exactly up to nine million
 * dollars.
 */
export class CallSums implements GrowingNumbers {
  llmCalls = 0
  input = 0
  output = 0
  cacheRead = 0
  cacheWrite = 0
  reasoning = 0
  nanoUsd = 0
  /** Calls whose producer reported the cost. */
  reported = 0
  /** Calls whose cost came from a price. */
  priced = 0
  /** Calls whose cost is in no sum. */
  unpriced = 0
}

/** @param sign 1 to put in, -1 to take out */
export function addNumbers(to: GrowingNumbers, part: CallNumbers, sign: 1 | -1): void {
  to.llmCalls += sign * part.llmCalls
  to.input += sign * part.input
  to.output += sign * part.output
  to.cacheRead += sign * part.cacheRead
  to.cacheWrite += sign * part.cacheWrite
  to.reasoning += sign * part.reasoning
  to.nanoUsd += sign * part.nanoUsd
  to.reported += sign * part.reported
  to.priced += sign * part.priced
  to.unpriced += sign * part.unpriced
}

/** Whether calls add anything, be it that they cancel each other out in number. */
export function hasNumbers(sums: CallNumbers): boolean {
  return callNumberNames.some((name) => sums[name] !== 0 && !['llmCalls', 'reported', 'priced'].includes(name))
}

/** The cost, exact; `undefined` where no call has one. */
export function costNanoUsdOf(sums: CallNumbers): bigint | undefined {
  return sums.reported + sums.priced > 0 ? BigInt(Math.round(sums.nanoUsd)) : undefined
}

/** A copy as plain data. */
export function numbersOf(sums: CallNumbers): CallNumbers {
  const { llmCalls, input, output, cacheRead, cacheWrite, reasoning, nanoUsd, reported, priced, unpriced } = sums
  return { llmCalls, input, output, cacheRead, cacheWrite, reasoning, nanoUsd, reported, priced, unpriced }
}

/** Sums of tokens under the names that users read. */
export function tokenTotals({ input, output, cacheRead, cacheWrite, reasoning }: CallNumbers): TokenTotals {
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: cacheWrite,
    reasoningOutputTokens: reasoning,
  }
}

/** The names of all of them. */
export const callNumberNames = Object.keys(new CallSums()) as readonly (keyof CallNumbers)[]
