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

/**
 * Plain sums over model calls. Cost is in whole billionths of a US dollar, which a double adds exactly up to nine million
 * dollars.
 */
export class CallSums implements CallNumbers {
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

  /** @param sign 1 to put in, -1 to take out */
  addNumbers(part: CallNumbers, sign: 1 | -1): void {
    this.llmCalls += sign * part.llmCalls
    this.input += sign * part.input
    this.output += sign * part.output
    this.cacheRead += sign * part.cacheRead
    this.cacheWrite += sign * part.cacheWrite
    this.reasoning += sign * part.reasoning
    this.nanoUsd += sign * part.nanoUsd
    this.reported += sign * part.reported
    this.priced += sign * part.priced
    this.unpriced += sign * part.unpriced
  }

  /** Whether calls add anything, be it that they cancel each other out in number. */
  get hasCallNumbers(): boolean {
    return Object.entries(this.numbers()).some(
      ([name, value]) => value !== 0 && !['llmCalls', 'reported', 'priced'].includes(name),
    )
  }

  /** The cost, exact; `undefined` where no call has one. */
  get costNanoUsd(): bigint | undefined {
    return this.reported + this.priced > 0 ? BigInt(Math.round(this.nanoUsd)) : undefined
  }

  /** A copy as plain data. */
  numbers(): CallNumbers {
    const { llmCalls, input, output, cacheRead, cacheWrite, reasoning, nanoUsd, reported, priced, unpriced } = this
    return { llmCalls, input, output, cacheRead, cacheWrite, reasoning, nanoUsd, reported, priced, unpriced }
  }
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
