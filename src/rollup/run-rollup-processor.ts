import { ROOT_CONTEXT, trace, type Context, type MeterProvider } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_USER_ID,
  SPAN_RUNSPAN_AMENDMENT,
} from '../attributes.ts'
import { checkOptions, type OptionNames } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { budgetError } from '../run/budget.ts'
import { rollupMark } from '../run/run-entry.ts'
import { configureRegistry, shared } from '../run/shared.ts'
import { setState } from '../run/span-state.ts'
import { count, guarded } from '../run/stats.ts'
import type { RunBudget, RunTotals, Usage } from '../run/types.ts'
import { uncounted } from '../run/uncounted.ts'
import { AdoptedRun, adopter, type Adopt } from './adopted-run.ts'
import { Adoption, leaveBehind } from './adoption.ts'
import { isAgentInside } from './agent-marks.ts'
import { checkedDetail, type RollupDetail } from './detail.ts'
import { carriesToUnknown } from './http-client.ts'
import { isNotJoined } from './not-joined.ts'
import { openSpans } from './open-spans.ts'
import { partOfTrace } from './part-of-trace.ts'
import { PriceBook, type PriceSource } from './prices.ts'
import { lateAttributes, writeRollup } from './rollup-attributes.ts'
import { runMetricsOf, type RunMetrics } from './run-metrics.ts'
import { raiseErrors } from './settle-failure.ts'
import { settleSpan, type Pricer } from './settle-span.ts'
import { statusError, type ReadableSpanLike, type SpanProcessorLike } from './span-like.ts'
import { anyNodeOf, hasFailedBelow, openNode, type SpanNode } from './span-node.ts'
import { AgentTally, PartTally, currentSums, outermostOf, raise, type PartFeeder, type Tally } from './tally.ts'

/** How many runs with late numbers wait at most for their other open spans before they are amended. */
const maxPending = 256

/** Options of {@link RunRollupProcessor}. */
export interface RollupOptions {
  /** Which spans carry `runspan.run.id`: run and segment roots, or every span of a run. @defaultValue 'roots' */
  readonly stamp?: 'roots' | 'all' | undefined
  /**
   * Whether a trace whose topmost span is an agent's becomes a run although nobody called `wrapAgent`, and an agent below
   * a span that is none, a server's for example, has totals of its own. `'agents'` knows the marks of frameworks; a
   * function decides itself: it is asked about spans that no run is around, when their first child starts and when they
   * end, and one that throws adopts nothing. @defaultValue false
   */
  readonly adopt?: Adopt | undefined
  /** What is kept beside the sums: in `run.totals.detail`, and on the roots. @defaultValue [] */
  readonly detail?: readonly RollupDetail[] | undefined
  /**
   * Whether totals are also reported as metrics: through the registered meter provider, or the one given. Off unless
   * asked: instrumentations of model clients may report the same `gen_ai.*` metrics.
   *
   * @defaultValue false
   */
  readonly metrics?: boolean | MeterProvider | undefined
  /** Where prices come from, for calls whose cost nobody reports. @defaultValue 'genai-prices' */
  readonly prices?: PriceSource | undefined
  /** How many open runs the registry watches at most; an older one goes on unwatched. At least 1. @defaultValue 10_000 */
  readonly maxOpenRuns?: number | undefined
  /** How many ids of ended runs are remembered at most, so that none is given out twice. At least 1. @defaultValue 10_000 */
  readonly maxClosedRuns?: number | undefined
  /** Called after each model call that was counted, with the run's sums. What it throws is counted, never passed on. */
  readonly onUsage?: ((runId: string, totals: RunTotals) => void) | undefined
}

const optionNames: OptionNames<RollupOptions> = {
  stamp: true,
  adopt: true,
  detail: true,
  metrics: true,
  prices: true,
  maxOpenRuns: true,
  maxClosedRuns: true,
  onUsage: true,
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
  /** @internal */
  readonly detail: ReadonlySet<RollupDetail>
  /** @internal */
  readonly tellsModels: boolean
  /** @internal */
  readonly costBreakdown: PartFeeder['costBreakdown']
  readonly #stampAll: boolean
  readonly #prices: PriceBook
  readonly #price: Pricer
  readonly #onUsage: RollupOptions['onUsage']
  readonly #metrics: RunMetrics | undefined
  readonly #adoption: Adoption | undefined
  readonly #openSpans = openSpans
  /** Closed parts with late numbers that no amendment has reported yet. */
  readonly #pending = new Set<PartTally>()
  #isShutDown = false

  /** @throws {@link RunspanError} `bad_configuration` where an option cannot work, or there is no such option */
  constructor(options: RollupOptions = {}) {
    checkOptions('RunRollupProcessor', options, optionNames)
    if (options.stamp !== undefined && options.stamp !== 'roots' && options.stamp !== 'all') {
      throw new RunspanError(
        'bad_configuration',
        `Failed to configure stamp: ${String(options.stamp)} cannot be used. Use 'roots' or 'all'.`,
      )
    }
    this.#stampAll = options.stamp === 'all'
    this.#prices = new PriceBook(options.prices, {
      onFunctionError: (error) =>
        count('callbackErrors', 'a price function failed. The call is unpriced; mend the function.', error),
      onListMissing: (error) =>
        count(
          'internalErrors',
          '@pydantic/genai-prices cannot be loaded; calls that nobody reports a cost for are unpriced',
          error,
        ),
    })
    this.#onUsage = options.onUsage
    this.#price = (call) => {
      const nanoUsd = this.#prices.price(call)
      if (nanoUsd === undefined) count('callsUnpriced')
      return nanoUsd
    }
    this.detail = checkedDetail(options.detail)
    this.costBreakdown = this.detail.has('costs')
      ? (call) => {
          const breakdown = this.#prices.costBreakdown(call)
          if (breakdown === undefined) count('callsUnpriced')
          return breakdown
        }
      : undefined
    this.#metrics = runMetricsOf(options.metrics)
    this.tellsModels = this.#metrics !== undefined || this.detail.has('models')
    const adopts = adopter(options.adopt)
    this.#adoption = adopts === undefined ? undefined : new Adoption(adopts, this, options.adopt === 'agents')
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
      const node = anyNodeOf(span)
      if (node === undefined || node.part.feeder !== this) return
      this.#openSpans.delete(node)
      // A run's own root is counted just before it ends.
      if (!node.ended) this.#end(node)
      if (this.#metrics !== undefined && !node.part.isProvisional) this.#metrics.spanEnded(node)
    } catch (error) {
      count('internalErrors', 'failed to count a span; it is exported uncounted', error)
    }
  }

  /** Reports what is still pending of runs that have ended. */
  forceFlush(): Promise<void> {
    for (const part of this.#pending) this.#amendQuietly(part)
    this.#metrics?.flush()
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
    raise(tally, 'spans', 1)
    for (let at = tally.parent; at !== undefined; at = at.parent) at.open--
    if (selfReported !== undefined) node.selfReported = selfReported
    settleSpan(node, this.#price)
    // Where the application had set the status to OK, that stays.
    if (failed && node.span.status.code !== statusError && !hasFailedBelow(node)) raiseErrors(node, 1)
  }

  handedOff(part: PartTally): void {
    this.#metrics?.handedOff(part)
  }

  #start(span: ReadableSpanLike, parentContext: Context): void {
    const state = shared()
    if (state.amending || anyNodeOf(span) !== undefined) return
    const parentNode = span.parentSpanContext === undefined ? undefined : this.#parentOf(span, parentContext)
    const starting = state.starting
    if (starting !== undefined) {
      // One startSpan, one root: what a later processor starts in its own onStart is no root of ours.
      state.starting = undefined
      this.#prices.loadSoon()
      const above = starting.joined ? aboveSegment(starting.runId, parentNode) : undefined
      const part = new PartTally(starting, above?.tally, this)
      for (let at = part.parent; at !== undefined; at = at.parent) at.open++
      starting.tally = part
      part.root = openNode(span, part, part, above, !starting.joined)
      this.#opened(part.root)
      return
    }
    const found = parentNode ?? partOfTrace(span.spanContext().traceId, parentContext)?.root
    const above =
      found !== undefined && state.hasCallers === true && isNotJoined(found.part, parentContext) ? undefined : found
    if (above === undefined) {
      if (this.#adoption !== undefined) {
        this.#prices.loadSoon()
        this.#opened(this.#adoption.begin(span))
      }
      return
    }
    if (above.part.isProvisional) this.#adoption!.beforeChild(above)
    const { part, tally: around } = above
    const isAgent = isAgentInside(span) && !part.isProvisional
    const tally = isAgent ? new AgentTally('agent', around) : around
    for (let at: Tally | undefined = around; at !== undefined; at = at.parent) at.open++
    this.#opened(openNode(span, part, tally, above, isAgent))
    if (part.hasStamps || this.#stampAll) this.#stamp(span, part)
    if (carriesToUnknown(span, above)) part.markIncomplete('unknown_service')
  }

  #parentOf(span: ReadableSpanLike, parentContext: Context): SpanNode | undefined {
    const parent = trace.getSpan(parentContext)
    const node = anyNodeOf(parent)
    // A span that the SDK made is known by itself; a mere context has no name, and may be that of an open span.
    return node !== undefined || (parent !== undefined && 'name' in parent) ? node : this.#openSpans.parentOf(span)
  }

  #opened(node: SpanNode): void {
    setState(node.span, node)
    this.#openSpans.add(node)
  }

  #stamp(span: ReadableSpanLike, part: PartTally): void {
    const { conversationId, userId, runId } = part.entry
    if (conversationId !== undefined) span.attributes[ATTR_GEN_AI_CONVERSATION_ID] ??= conversationId
    if (userId !== undefined) span.attributes[ATTR_USER_ID] ??= userId
    if (this.#stampAll && part.scope !== 'agent' && !part.isProvisional) span.attributes[ATTR_RUNSPAN_RUN_ID] = runId
  }

  #end(node: SpanNode): void {
    if (node.part.isProvisional) this.#adoption!.atEnd(node)
    const { part, span } = node
    if (part.root === node && !part.isProvisional) {
      this.#endRoot(node)
      return
    }
    let around: Tally | undefined = node.tally
    if (node.isAgent) {
      currentSums(node.tally).spans++
      around = node.tally.parent
    } else if (part.root === node) around = part.parent
    for (; around !== undefined; around = around.parent) {
      around.open--
      currentSums(around).spans++
    }
    // A local segment's numbers are its run's: reported there.
    const whole = outermostOf(part)
    const callsBefore = whole.sums.llmCalls
    if (span.endTime !== undefined) {
      part.endedLast(span.endTime)
      if (whole !== part) whole.endedLast(span.endTime)
    }
    if (span.events !== undefined && span.events.length > 0) raise(node.tally, 'events', span.events.length)
    settleSpan(node, this.#price)
    if (node.isAgent) this.#closeAgent(node)
    if (whole.budget !== undefined && !whole.closed) stopIfOver(whole, part, whole.budget)
    if (whole.isProvisional) {
      leaveBehind(node)
      return
    }
    if (whole.closed) this.#late(whole)
    else if (this.#onUsage !== undefined && whole.sums.llmCalls !== callsBefore) {
      const onUsage = this.#onUsage
      guarded('onUsage', () => onUsage(whole.entry.runId, whole.snapshot()))
    }
  }

  #endRoot({ part, span }: SpanNode): void {
    // A root of ours was ended past its handle: the same write, one step later.
    const failed = span.status.code === statusError
    part.close(span.attributes, undefined, failed)
    if (part.entry instanceof AdoptedRun && part.scope === 'run') {
      span.attributes[ATTR_RUNSPAN_RUN_STATUS] = failed ? 'failed' : 'completed'
      part.entry.ended()
    }
    const whole = outermostOf(part)
    if (whole !== part && whole.closed) this.#late(whole)
  }

  #closeAgent(node: SpanNode): void {
    const { tally, span } = node
    tally.closed = true
    const facts = { scope: tally.scope, complete: tally.open === 0, openSpans: tally.open, priceTable: this.priceTable }
    writeRollup(span.attributes, tally.sums, facts)
  }

  #late(part: PartTally): void {
    count('lateSpans')
    this.#pending.add(part)
    if (part.open === 0) this.#amend(part)
    else if (this.#pending.size > maxPending) {
      for (const oldest of this.#pending) {
        this.#amend(oldest)
        break
      }
    }
  }

  #amendQuietly(part: PartTally): void {
    try {
      this.#amend(part)
    } catch (error) {
      count('internalErrors', 'failed to write an amendment; late numbers of a run are lost', error)
    }
  }

  #amend(part: PartTally): void {
    this.#pending.delete(part)
    const late = part.late
    const root = part.entry.rootContext
    if (late === undefined || root === undefined) return
    part.late = undefined
    this.#metrics?.amended(part, late)
    const now = Date.now()
    const attributes = {
      ...lateAttributes(late),
      ...(part.scope === 'agent' ? {} : { [ATTR_RUNSPAN_RUN_ID]: part.entry.runId }),
      [ATTR_RUNSPAN_ROLLUP_SCOPE]: part.scope,
    }
    const parent = trace.setSpanContext(ROOT_CONTEXT, root)
    uncounted(() =>
      part.entry.tracer.startSpan(SPAN_RUNSPAN_AMENDMENT, { attributes, startTime: now }, parent).end(now),
    )
  }
}

/** Tells a run, and the part of it that counted last, that it has gone over its budget. */
function stopIfOver(whole: PartTally, part: PartTally, budget: RunBudget): void {
  const { nanoUsd, input, output, llmCalls, toolCalls } = whole.sums
  const spent = { costUsd: nanoUsd / 1e9, inputTokens: input, outputTokens: output, llmCalls, toolCalls }
  const error = budgetError(whole.entry.runId, budget, spent)
  if (error === undefined) return
  whole.entry.stopForBudget?.(error)
  if (part !== whole) part.entry.stopForBudget?.(error)
}

/**
 * Below what a segment counts: a run that is open in this process holds its numbers too, wherever it joined. Segments
 * of one run that is owned elsewhere stand side by side: readers add them up.
 */
function aboveSegment(runId: string, parentNode: SpanNode | undefined): SpanNode | undefined {
  const run = shared().open.get(runId)
  if (run === undefined || run.joined || !(run.tally instanceof PartTally)) return undefined
  return parentNode !== undefined && outermostOf(parentNode.part) === run.tally ? parentNode : run.tally.root
}
