import type { Attributes } from '@opentelemetry/api'

import { ATTR_RUNSPAN_ERRORS, ATTR_RUNSPAN_SPANS, ATTR_RUNSPAN_TIME_TO_FIRST_CHUNK } from '../attributes.ts'
import { millisOf } from '../internal/hr-time.ts'
import type { RunEntry } from '../run/run-entry.ts'
import type { ExpectedPart, IncompleteReason, PartTotals } from '../run/part-totals.ts'
import type { RunTally, Subtotal } from '../run/run-tally.ts'
import { shared } from '../run/shared.ts'
import { count } from '../run/stats.ts'
import type { RunBudget, RunDetail, RunProgress, RunTotals, Usage } from '../run/types.ts'
import { AwaitedPart } from './awaited-part.ts'
import { costNanoUsdOf, tokenTotals } from './call-sums.ts'
import { NamedCounts, detailOf, writeDetail, type RollupDetail } from './detail.ts'
import type { CostBreakdown } from './cost-buckets.ts'
import { FamilySums } from './family-sums.ts'
import type { PricedCall } from './priced-call.ts'
import { RemoteParts } from './remote-parts.ts'
import { writeRemote, writeRollup, type RollupScope } from './rollup-attributes.ts'
import { hasFailedBelow, type SpanNode } from './span-node.ts'
import type { Contribution } from './contribution.ts'
import { Sums } from './sums.ts'

/**
 * The sums of one part of a trace: a run, a segment, or an agent inside either. Parts nest; what is added to one is
 * added to every part around it.
 *
 * - open: spans of the part add to its sums.
 * - closed: the rollup has been written. What comes later is late: a run's or segment's is kept apart for an
 *   amendment, an agent's shows only further out.
 *
 * An interface, because every run makes one, and an object of a derived class takes several times as long to make.
 */
export interface Tally {
  readonly scope: RollupScope
  readonly parent: Tally | undefined
  readonly sums: Sums
  /** Spans that have started and not ended, the part's own root not among them. */
  open: number
  closed: boolean
  /** True while nobody knows whether the part is an agent's: outside of runs, where none has been found. */
  isProvisional: boolean
  /** What was added after the part was closed. */
  late: Sums | undefined
  /** What a run or segment counts by name, where that is asked for. */
  readonly named: NamedCounts | undefined
}

/** The sums of an agent inside a run or segment, and of what a reader adds up. */
export class AgentTally implements Tally {
  readonly scope: RollupScope
  readonly parent: Tally | undefined
  readonly sums = new Sums()
  open = 0
  closed = false
  isProvisional = false
  late: Sums | undefined = undefined
  readonly named = undefined

  constructor(scope: RollupScope, parent: Tally | undefined) {
    this.scope = scope
    this.parent = parent
  }
}

/** The sums that take what comes now. */
export function currentSums(tally: Tally): Sums {
  return tally.closed ? (tally.late ??= new Sums()) : tally.sums
}

/** Adds to a part and to every part around it. */
export function addTo(tally: Tally, part: Contribution, sign: 1 | -1): void {
  for (let at: Tally | undefined = tally; at !== undefined; at = at.parent) currentSums(at).addCall(part, sign)
}

/** Adds what several calls come to. */
export function addCallsTo(tally: Tally, part: Sums, sign: 1 | -1): void {
  for (let at: Tally | undefined = tally; at !== undefined; at = at.parent) currentSums(at).addCalls(part, sign)
}

/** Raises one counter of a part and of every part around it. */
export function raise(tally: Tally, counter: Counter, by: number): void {
  for (let at: Tally | undefined = tally; at !== undefined; at = at.parent) currentSums(at)[counter] += by
}

type Counter = 'toolCalls' | 'toolResults' | 'errors' | 'spans' | 'suppressed' | 'events' | 'retries' | 'carried'

/** What a run or segment asks of the processor that feeds its sums. */
export interface PartFeeder {
  /** Counts the root span of the part itself, just before the part is closed. */
  settleRoot(tally: PartTally, selfReported: Usage | undefined, failed: boolean): void
  /** Takes note that another process goes on with a part's sums. */
  handedOff(part: PartTally): void
  /** Name of the price table in use. */
  readonly priceTable: string | undefined
  /** Prices a call and says what for, where that is kept. @internal */
  readonly costBreakdown: ((call: PricedCall) => CostBreakdown | undefined) | undefined
  /** Whether sums by model are kept. @internal */
  readonly tellsModels: boolean
  /** What is kept and written beside the sums. @internal */
  readonly detail: ReadonlySet<RollupDetail>
}

/** The sums of a run or a segment: the port that its root reads. */
export class PartTally implements Tally, RunTally {
  readonly scope: RollupScope
  readonly parent: Tally | undefined
  readonly sums = new Sums()
  open = 0
  closed = false
  isProvisional = false
  late: Sums | undefined = undefined
  readonly named: NamedCounts | undefined
  readonly entry: RunEntry
  /** The processor that feeds it: a second one leaves it alone. */
  readonly feeder: PartFeeder
  /** What the run may use at most. */
  readonly budget: RunBudget | undefined
  /** Whether the application gave ids that every span of the part is to carry. */
  readonly hasStamps: boolean
  /** The part's own root span. */
  root: SpanNode | undefined = undefined
  /** When the latest span ended; two numbers, because the SDK's pair would be one more object that a long run holds. */
  #lastEndSeconds = 0
  #lastEndNanos = 0
  #firstChunkUnixMillis = Number.POSITIVE_INFINITY
  /** The linked runs below this one that have ended; made with the first. */
  #family: FamilySums | undefined = undefined
  #remote: RemoteParts | undefined = undefined
  /** What of the sums another process told without names; made with the first. */
  #unnamed: Sums | undefined = undefined

  constructor(
    entry: RunEntry,
    parent: Tally | undefined,
    feeder: PartFeeder,
    scope: RollupScope = entry.joined ? 'segment' : 'run',
  ) {
    this.scope = scope
    this.parent = parent
    this.named = feeder.detail.size === 0 ? undefined : new NamedCounts(feeder.detail)
    this.entry = entry
    this.feeder = feeder
    this.budget = entry.budget
    this.hasStamps = entry.conversationId !== undefined || entry.userId !== undefined
  }

  /** What is known of those who work on this part elsewhere; made with the first. */
  get remote(): RemoteParts {
    return (this.#remote ??= new RemoteParts())
  }

  markIncomplete(reason: IncompleteReason): void {
    for (const part of this.#partsAround()) part.remote.mark(reason)
  }

  expectPart(): ExpectedPart {
    return new AwaitedPart(this.#partsAround())
  }

  /** This part, and the run around it where that is open in this process: it counts what the part counts. */
  #partsAround(): readonly PartTally[] {
    const parts: PartTally[] = [this]
    for (let at = this.parent; at !== undefined; at = at.parent) if (at instanceof PartTally) parts.push(at)
    return parts
  }

  partTotals(segmentId: string, failed: boolean): PartTotals {
    const { sums, root } = this
    const subtotal = sums.subtotal()
    const nestedIds = this.#remote?.segmentIds ?? []
    if (this.parent !== undefined) return { segmentId, nestedIds: [], state: 'local', subtotal }
    // The root is still open, and is counted as it will be.
    const errors = subtotal.errors + (failed && !(root !== undefined && hasFailedBelow(root)) ? 1 : 0)
    const isOver = this.open === 0 && this.complete
    return {
      segmentId,
      nestedIds,
      state: isOver ? 'final' : 'partial',
      subtotal: { ...subtotal, errors, spans: subtotal.spans + 1 },
    }
  }

  addSubtotal(subtotal: Subtotal): void {
    this.sums.addSubtotal(subtotal)
    ;(this.#unnamed ??= new Sums()).addSubtotal(subtotal)
  }

  subtotal(): Subtotal {
    this.feeder.handedOff(this)
    return this.sums.subtotal()
  }

  /** Takes in that a model call streamed its first chunk, so many seconds after it started. */
  sawFirstChunk(start: readonly [number, number], afterSeconds: number): void {
    this.#firstChunkUnixMillis = Math.min(this.#firstChunkUnixMillis, millisOf(start) + afterSeconds * 1000)
    for (let at = this.parent; at !== undefined; at = at.parent) {
      if (at instanceof PartTally) return at.sawFirstChunk(start, afterSeconds)
    }
  }

  /** Takes in when a span of the part ended. */
  endedLast(time: readonly [seconds: number, nanos: number]): void {
    this.#lastEndSeconds = time[0]
    this.#lastEndNanos = time[1]
  }

  #millisToFirstChunk(): number | undefined {
    if (this.root === undefined || this.#firstChunkUnixMillis === Number.POSITIVE_INFINITY) return undefined
    // Clocks of two processes differ: what was there before the run began was there at once.
    return Math.max(0, this.#firstChunkUnixMillis - millisOf(this.root.span.startTime))
  }

  /** Takes in a linked run that has ended. */
  addRunBelow(run: PartTally): void {
    this.#family ??= new FamilySums()
    this.#family.addRun(run.sums, run.#family)
  }

  progress(): RunProgress {
    const { spans, events, llmCalls, toolCalls, toolResults, retries } = this.sums
    return {
      spans,
      events,
      llmCalls,
      toolCalls,
      toolResults,
      retries,
      lastEndUnixMillis: this.#lastEndSeconds === 0 ? undefined : millisOf([this.#lastEndSeconds, this.#lastEndNanos]),
      timeToFirstChunkMillis: this.#millisToFirstChunk(),
    }
  }

  /** Grows with every start and end of a span: of two sums that no other counter is needed for. */
  get activity(): number {
    return this.open + 2 * this.sums.spans
  }

  get complete(): boolean {
    if (this.#remote?.isComplete === false) return false
    return !(this.closed && (this.open > 0 || this.late !== undefined))
  }

  snapshot(): RunTotals {
    const totals = totalsOf(this.sums, this.complete)
    const detail = this.#detail()
    return detail === undefined ? totals : { ...totals, detail }
  }

  writeSoFar(attributes: Attributes, as: 'checkpoint' | 'process_lost'): void {
    const { sums, open, root } = this
    const isLost = as === 'process_lost'
    const { priceTable } = this.feeder
    const scope = isLost ? this.scope : 'checkpoint'
    writeRollup(attributes, sums, { scope, complete: false, openSpans: open, priceTable })
    writeRemote(attributes, this.#remote, open, as)
    if (!isLost) return
    // As an end would count the root itself.
    attributes[ATTR_RUNSPAN_SPANS] = sums.spans + 1
    attributes[ATTR_RUNSPAN_ERRORS] = sums.errors + (root !== undefined && hasFailedBelow(root) ? 0 : 1)
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
    writeRemote(attributes, this.#remote, this.open)
    const millis = this.#millisToFirstChunk()
    if (millis !== undefined) attributes[ATTR_RUNSPAN_TIME_TO_FIRST_CHUNK] = millis / 1000
    const detail = this.#detail()
    if (detail !== undefined) writeDetail(attributes, detail)
    this.#tellParent()
  }

  #detail(): RunDetail | undefined {
    return detailOf(this.sums, this.feeder.detail, this.named, this.#family, this.#unnamed)
  }

  /** A linked run tells the run that started it, where that is still open here. */
  #tellParent(): void {
    const { parentRunId } = this.entry
    if (parentRunId === undefined || !this.feeder.detail.has('family')) return
    const parent = shared().open.get(parentRunId)?.tally
    if (parent instanceof PartTally && !parent.closed) parent.addRunBelow(this)
  }
}

/** The run, segment or agent that nothing else is around which is known to be one. */
export function outermostOf(part: PartTally): PartTally {
  let whole: Tally = part
  for (let at = part.parent; at !== undefined; at = at.parent) if (!at.isProvisional) whole = at
  return whole as PartTally
}

function totalsOf(sums: Sums, complete: boolean): RunTotals {
  const hasCost = sums.reported + sums.priced > 0
  return {
    ...tokenTotals(sums),
    costUsd: hasCost ? sums.nanoUsd / 1e9 : undefined,
    costNanoUsd: costNanoUsdOf(sums),
    llmCalls: sums.llmCalls,
    toolCalls: sums.toolCalls,
    errors: sums.errors,
    spans: sums.spans,
    complete,
  }
}
