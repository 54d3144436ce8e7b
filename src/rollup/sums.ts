import type { Subtotal } from '../run/run-tally.ts'

/** What one counted span adds. The same shape as the sums, so that it can be taken out again. */
export type Contribution = Omit<Subtotal, 'toolCalls' | 'errors' | 'spans'>

/**
 * Plain sums. Cost is in whole billionths of a US dollar, which a double adds exactly up to nine million dollars.
 * Pure: knows no span.
 */
export class Sums implements Subtotal {
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
  toolCalls = 0
  errors = 0
  spans = 0
  suppressed = 0

  /** @param sign 1 to put in, -1 to take out */
  add(part: Contribution, sign: 1 | -1): void {
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
    return [this.input, this.output, this.cacheRead, this.cacheWrite, this.reasoning, this.nanoUsd, this.unpriced].some(
      (value) => value !== 0,
    )
  }

  addSubtotal(other: Subtotal): void {
    this.add(other, 1)
    this.toolCalls += other.toolCalls
    this.errors += other.errors
    this.spans += other.spans
  }

  subtotal(): Subtotal {
    const {
      llmCalls,
      input,
      output,
      cacheRead,
      cacheWrite,
      reasoning,
      nanoUsd,
      reported,
      priced,
      unpriced,
      toolCalls,
      errors,
      spans,
    } = this
    return {
      llmCalls,
      input,
      output,
      cacheRead,
      cacheWrite,
      reasoning,
      nanoUsd,
      reported,
      priced,
      unpriced,
      toolCalls,
      errors,
      spans,
    }
  }
}
