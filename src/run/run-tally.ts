import type { Attributes } from '@opentelemetry/api'

import type { ExpectedPart, IncompleteReason, PartTotals } from './part-totals.ts'
import type { RunProgress, RunTotals, Usage } from './types.ts'

/**
 * The port between a run and its rollup: the processor in `rollup/` makes one for every run root and segment root at
 * its start and feeds it; the run reads it and has it written onto the root just before that ends. Without the
 * processor there is none, and the run carries no rollup.
 */
export interface RunTally {
  /** A number that grows with every start and end of a span of the part. */
  readonly activity: number
  /** The sums now. */
  snapshot(): RunTotals
  /** How far the part has come. */
  progress(): RunProgress
  /** Adds what another process summed up for this run before it handed the run over. */
  addSubtotal(subtotal: Subtotal): void
  /** The sums as plain data, for another process. */
  subtotal(): Subtotal
  /** Marks that parts of the run may be done where this process does not see them: `complete` becomes false. */
  markIncomplete(reason: IncompleteReason): void
  /** Takes note that the run is on its way to another service: until its part has come home, `complete` is false. */
  expectPart(): ExpectedPart
  /**
   * What a segment can tell its caller now.
   *
   * @param failed whether the segment's root is going to fail
   */
  partTotals(segmentId: string, failed: boolean): PartTotals
  /**
   * Writes the sums so far into `attributes`, as numbers that are not the last: `complete` is false.
   *
   * @param as what they are to be: a checkpoint, or the end of a run whose process was lost, its failed root counted
   */
  writeSoFar(attributes: Attributes, as: 'checkpoint' | 'process_lost'): void
  /**
   * Takes the last look before the root ends: counts what the root itself reports if nothing below it did, seals the
   * sums (what comes later is late), and writes the rollup into `attributes`.
   *
   * @param selfReported usage given to the run's own handle
   */
  close(attributes: Attributes, selfReported: Usage | undefined, failed: boolean): void
}

/** Sums as JSON-safe numbers: input, output, cache read, cache write, reasoning, nano-USD, calls, spans. */
export interface Subtotal {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
  readonly nanoUsd: number
  readonly reported: number
  readonly priced: number
  readonly unpriced: number
  readonly llmCalls: number
  readonly toolCalls: number
  readonly errors: number
  readonly spans: number
}

/** What a run reports where no processor sums it up. */
export const noTotals: RunTotals = Object.freeze({
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheWriteInputTokens: 0,
  reasoningOutputTokens: 0,
  costUsd: undefined,
  costNanoUsd: undefined,
  llmCalls: 0,
  toolCalls: 0,
  errors: 0,
  spans: 0,
  complete: false,
})

/** The progress of a run that no processor watches. */
export const noProgress: RunProgress = Object.freeze({
  spans: 0,
  events: 0,
  llmCalls: 0,
  toolCalls: 0,
  toolResults: 0,
  retries: 0,
  lastEndUnixMillis: undefined,
  timeToFirstChunkMillis: undefined,
})
