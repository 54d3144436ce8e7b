import { ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_USER_ID,
  SPAN_RUNSPAN_AMENDMENT,
} from '../attributes.ts'
import { RunspanError } from '../errors.ts'
import { rollupMark } from '../run/run-entry.ts'
import { configureRegistry, shared } from '../run/shared.ts'
import { setState } from '../run/span-state.ts'
import { count, guarded } from '../run/stats.ts'
import type { RunTotals, Usage } from '../run/types.ts'
import { PriceBook, type PriceSource } from './prices.ts'
import { lateAttributes, writeRollup } from './rollup-attributes.ts'
import { settleSelfReport, settleSpan, type Pricer } from './settle-span.ts'
import type { ReadableSpanLike, SpanProcessorLike } from './span-like.ts'
import { SpanNode, nodeOf } from './span-node.ts'
import { PartTally, Tally, raise, type PartFeeder } from './tally.ts'

/** `SpanKind.INTERNAL`, as a number: spans are read structurally. A CLIENT `invoke_agent` is a call, not a container. */
const kindInternal = 0

/** Options of {@link RunRollupProcessor}. */
export interface RollupOptions {
  /** Which spans carry `runspan.run.id`: run and segment roots, or every span of a run. @defaultValue 'roots' */
  readonly stamp?: 'roots' | 'all' | undefined
  /** Where prices come from, for calls whose cost nobody reports. @defaultValue 'genai-prices' */
  readonly prices?: PriceSource | undefined
  /** How many open runs the registry watches at most; an older one goes on unwatched. At least 1. @defaultValue 10_000 */
  readonly maxOpenRuns?: number | undefined
  /** How many ids of ended runs are remembered at most, so that none is given out twice. At least 1. @defaultValue 10_000 */
  readonly maxClosedRuns?: number | undefined
  /** Called after each model call that was counted, with the run's sums. What it throws is counted, never passed on. */
  readonly onUsage?: ((runId: string, totals: RunTotals) => void) | undefined
}

/**
 * Sums tokens, cost, calls and errors per run, and never counts a call twice. Register it before the processor that
 * exports: `spanProcessors: [new RunRollupProcessor(), new BatchSpanProcessor(…)]`.
 *
 * It attributes every span to its run at the span's start, counts it at its end, and keeps the sums; the run writes
 * them onto its root just before that ends, so that no limit on attributes touches them. Spans that end after the root
 * are counted too and reported in an amendment: a zero-length span `runspan amendment` below the root.
 *
 * Nothing it does can throw into the application or into the next processor.
 */
export class RunRollupProcessor implements SpanProcessorLike, PartFeeder {
  /** @internal */
  readonly [rollupMark] = true
  readonly #stampAll: boolean
  readonly #prices: PriceBook
  readonly #price: Pricer
  readonly #onUsage: RollupOptions['onUsage']
  /** Closed parts with late numbers that no amendment has reported yet. */
  readonly #pending = new Set<PartTally>()
  #isShutDown = false

  /** @throws {@link RunspanError} `bad_configuration` where an option cannot work */
  constructor(options: RollupOptions = {}) {
    if (options.stamp !== undefined && options.stamp !== 'roots' && options.stamp !== 'all') {
      throw new RunspanError(
        'bad_configuration',
        `Failed to configure stamp: ${String(options.stamp)} cannot be used. Use 'roots' or 'all'.`,
      )
    }
    this.#stampAll = options.stamp === 'all'
    this.#prices = new PriceBook(options.prices)
    this.#onUsage = options.onUsage
    this.#price = (call) => {
      const nanoUsd = this.#prices.price(call)
      if (nanoUsd === undefined) count('callsUnpriced')
      return nanoUsd
    }
    configureRegistry(options)
  }

  get priceTable(): string | undefined {
    return this.#prices.tableName
  }

  onStart(span: ReadableSpanLike, parentContext: Context): void {
    try {
      this.#start(span, parentContext)
    } catch (error) {
      count('internalErrors', 'failed to attribute a span to its run; it is exported uncounted', error)
    }
  }

  onEnd(span: ReadableSpanLike): void {
    try {
      const node = nodeOf(span)
      if (node !== undefined && !node.ended && node.part.feeder === this) this.#end(node)
    } catch (error) {
      count('internalErrors', 'failed to count a span; it is exported uncounted', error)
    }
  }

  /** Reports what is still pending of runs that have ended. */
  forceFlush(): Promise<void> {
    for (const part of this.#pending) this.#amend(part)
    return Promise.resolve()
  }

  /** Ends the runs that are still open as abandoned, while the next processors still take spans. */
  shutdown(): Promise<void> {
    if (!this.#isShutDown) {
      this.#isShutDown = true
      for (const entry of shared().open.values()) {
        if (entry.tally instanceof PartTally && entry.tally.feeder === this) entry.abandon('shutdown')
      }
    }
    return this.forceFlush()
  }

  settleRoot(tally: PartTally, selfReported: Usage | undefined, failed: boolean): void {
    const node = tally.root
    if (node === undefined || node.ended) return
    raise(tally, 'spans')
    for (let at = tally.parent; at !== undefined; at = at.parent) at.open--
    settleSpan(node, this.#price)
    settleSelfReport(node, selfReported, this.#price)
    if (failed && !node.failedBelow) raise(tally, 'errors')
  }

  #start(span: ReadableSpanLike, parentContext: Context): void {
    const state = shared()
    if (state.amending || nodeOf(span) !== undefined) return
    const parentNode = span.parentSpanContext === undefined ? undefined : nodeOf(trace.getSpan(parentContext))
    const starting = state.starting
    if (starting !== undefined) {
      // One startSpan, one root: what a later processor starts in its own onStart is no root of ours.
      state.starting = undefined
      const around = starting.joined ? (parentNode?.tally ?? state.open.get(starting.runId)?.tally) : undefined
      const part = new PartTally(starting, around instanceof Tally ? around : undefined, this)
      for (let at = part.parent; at !== undefined; at = at.parent) at.open++
      starting.tally = part
      part.root = new SpanNode(span, part, part, part.parent === undefined ? undefined : parentNode, !starting.joined)
      setState(span, part.root)
      return
    }
    const part = parentNode?.part ?? this.#partOf(span)
    if (part === undefined) return
    part.entry.activity++
    const around = parentNode?.tally ?? part
    const isAgent = span.kind === kindInternal && span.attributes[ATTR_GEN_AI_OPERATION_NAME] === 'invoke_agent'
    const tally = isAgent ? new Tally('agent', around) : around
    for (let at: Tally | undefined = around; at !== undefined; at = at.parent) at.open++
    setState(span, new SpanNode(span, part, tally, parentNode, isAgent))
    this.#stamp(span, part)
  }

  /** The part of a span whose parent is not in this process, a server span for example: the trace's, if one is open. */
  #partOf(span: ReadableSpanLike): PartTally | undefined {
    const tally = shared().open.get(span.spanContext().traceId)?.tally
    return tally instanceof PartTally ? tally : undefined
  }

  #stamp(span: ReadableSpanLike, part: PartTally): void {
    const { conversationId, userId, runId } = part.entry
    if (conversationId !== undefined) span.attributes[ATTR_GEN_AI_CONVERSATION_ID] ??= conversationId
    if (userId !== undefined) span.attributes[ATTR_USER_ID] ??= userId
    if (this.#stampAll) span.attributes[ATTR_RUNSPAN_RUN_ID] = runId
  }

  #end(node: SpanNode): void {
    const { part, span } = node
    if (part.root === node) {
      // A root that was ended past its handle: the same write, one step later.
      part.close(span.attributes, undefined, span.status.code === 2)
      return
    }
    part.entry.activity++
    const around = node.isAgent ? node.tally.parent! : node.tally
    for (let at: Tally | undefined = around; at !== undefined; at = at.parent) at.open--
    raise(node.tally, 'spans')
    const callsBefore = part.sums.llmCalls
    settleSpan(node, this.#price)
    if (node.isAgent) this.#closeAgent(node)
    if (part.closed) this.#late(part)
    else if (this.#onUsage !== undefined && part.sums.llmCalls !== callsBefore) {
      const onUsage = this.#onUsage
      guarded('onUsage', () => onUsage(part.entry.runId, part.snapshot()))
    }
  }

  #closeAgent(node: SpanNode): void {
    const { tally, span } = node
    settleSelfReport(node, node.selfReported, this.#price)
    tally.closed = true
    const facts = { scope: tally.scope, complete: tally.open === 0, openSpans: tally.open, priceTable: this.priceTable }
    writeRollup(span.attributes, tally.sums, facts)
  }

  #late(part: PartTally): void {
    count('lateSpans')
    // A local segment's late numbers are the run's: reported once, there.
    if (part.parent !== undefined) return
    this.#pending.add(part)
    if (part.open === 0) this.#amend(part)
  }

  #amend(part: PartTally): void {
    this.#pending.delete(part)
    const late = part.late
    const root = part.entry.rootContext
    if (late === undefined || root === undefined) return
    part.late = undefined
    const state = shared()
    state.amending = true
    try {
      const now = Date.now()
      const attributes = {
        ...lateAttributes(late),
        [ATTR_RUNSPAN_RUN_ID]: part.entry.runId,
        [ATTR_RUNSPAN_ROLLUP_SCOPE]: part.scope,
      }
      const parent = trace.setSpanContext(ROOT_CONTEXT, root)
      part.entry.tracer.startSpan(SPAN_RUNSPAN_AMENDMENT, { attributes, startTime: now }, parent).end(now)
    } finally {
      state.amending = false
    }
  }
}
