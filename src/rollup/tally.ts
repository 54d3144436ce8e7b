import type { Attributes } from '@opentelemetry/api'

import type { RunEntry } from '../run/run-entry.ts'
import type { RunTally, Subtotal } from '../run/run-tally.ts'
import { count } from '../run/stats.ts'
import type { RunTotals, Usage } from '../run/types.ts'
import { writeRollup, type RollupScope } from './rollup-attributes.ts'
import type { SpanNode } from './span-node.ts'
import type { Contribution } from './contribution.ts'
import { Sums } from './sums.ts'

/**
 * The sums of one part of a trace: a run, a segment, or an agent inside either. Parts nest; what is added to one is
 * added to every part around it.
 *
 * - open: spans of the part add to its sums.
 * - closed: the rollup has been written. What comes later is late: a run's or segment's is kept apart for an
 *   amendment, an agent's shows only further out.
 */
export class Tally {
  readonly scope: RollupScope
  readonly parent: Tally | undefined
  readonly sums = new Sums()
  /** Spans that have started and not ended, the part's own root not among them. */
  open = 0
  closed = false
  /** What was added after the part was closed. */
  late: Sums | undefined

  constructor(scope: RollupScope, parent: Tally | undefined) {
    this.scope = scope
    this.parent = parent
  }

  /** The sums that take what comes now. */
  get current(): Sums {
    return this.closed ? (this.late ??= new Sums()) : this.sums
  }
}

/** Adds to a part and to every part around it. */
export function addTo(tally: Tally, part: Contribution, sign: 1 | -1): void {
  for (let at: Tally | undefined = tally; at !== undefined; at = at.parent) at.current.addCall(part, sign)
}

/** Adds what several calls come to. */
export function addCallsTo(tally: Tally, part: Sums, sign: 1 | -1): void {
  for (let at: Tally | undefined = tally; at !== undefined; at = at.parent) at.current.addCalls(part, sign)
}

/** Raises one counter of a part and of every part around it. */
export function raise(tally: Tally, counter: 'toolCalls' | 'errors' | 'spans' | 'suppressed', by: number): void {
  for (let at: Tally | undefined = tally; at !== undefined; at = at.parent) at.current[counter] += by
}

/** What a run or segment asks of the processor that feeds its sums. */
export interface PartFeeder {
  /** Counts the root span of the part itself, just before the part is closed. */
  settleRoot(tally: PartTally, selfReported: Usage | undefined, failed: boolean): void
  /** Name of the price table in use. */
  readonly priceTable: string | undefined
  /** Whether sums by model are kept. */
  readonly tellsModels: boolean
}

/** The sums of a run or a segment: the port that its root reads. */
export class PartTally extends Tally implements RunTally {
  readonly entry: RunEntry
  /** The processor that feeds it: a second one leaves it alone. */
  readonly feeder: PartFeeder
  /** Whether the application gave ids that every span of the part is to carry. */
  readonly hasStamps: boolean
  /** The part's own root span. */
  root: SpanNode | undefined
  #incomplete = false

  constructor(entry: RunEntry, parent: Tally | undefined, feeder: PartFeeder) {
    super(entry.joined ? 'segment' : 'run', parent)
    this.entry = entry
    this.feeder = feeder
    this.hasStamps = entry.conversationId !== undefined || entry.userId !== undefined
  }

  markIncomplete(): void {
    this.#incomplete = true
  }

  addSubtotal(subtotal: Subtotal): void {
    this.sums.addSubtotal(subtotal)
  }

  subtotal(): Subtotal {
    return this.sums.subtotal()
  }

  get complete(): boolean {
    return !this.#incomplete && !(this.closed && (this.open > 0 || this.late !== undefined))
  }

  snapshot(): RunTotals {
    return totalsOf(this.sums, this.complete)
  }

  close(attributes: Attributes, selfReported: Usage | undefined, failed: boolean): void {
    if (this.closed) return
    try {
      this.feeder.settleRoot(this, selfReported, failed)
    } catch (error) {
      count('internalErrors', `failed to count the root of run ${this.entry.runId}`, error)
    }
    this.closed = true
    writeRollup(attributes, this.sums, {
      scope: this.scope,
      complete: this.complete,
      openSpans: this.open,
      priceTable: this.feeder.priceTable,
    })
  }
}

function totalsOf(sums: Sums, complete: boolean): RunTotals {
  const hasCost = sums.reported + sums.priced > 0
  return {
    inputTokens: sums.input,
    outputTokens: sums.output,
    cacheReadInputTokens: sums.cacheRead,
    cacheWriteInputTokens: sums.cacheWrite,
    reasoningOutputTokens: sums.reasoning,
    costUsd: hasCost ? sums.nanoUsd / 1e9 : undefined,
    costNanoUsd: hasCost ? BigInt(Math.round(sums.nanoUsd)) : undefined,
    llmCalls: sums.llmCalls,
    toolCalls: sums.toolCalls,
    errors: sums.errors,
    spans: sums.spans,
    complete,
  }
}
