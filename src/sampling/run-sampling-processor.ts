import type { Attributes, Context } from '@opentelemetry/api'

import {
  ATTR_RUNSPAN_SAMPLING_DROPPED_SPANS,
  ATTR_RUNSPAN_SAMPLING_REASON,
  SPAN_RUNSPAN_AMENDMENT,
} from '../attributes.ts'
import { checkOptions, type OptionNames } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { RecentKeys } from '../internal/recent-keys.ts'
import { textOf } from '../internal/text-of.ts'
import type { SpanProcessorLike } from '../rollup/span-like.ts'
import { nodeOf } from '../rollup/span-node.ts'
import { outermostOf, type PartTally } from '../rollup/tally.ts'
import { shared } from '../run/shared.ts'
import { count } from '../run/stats.ts'
import { familyOf } from './family-randomness.ts'
import { HeldRuns, type HoldLimits } from './held-runs.ts'
import { RunKeeper, type KeepRules, type SamplingReason } from './keep-rules.ts'
import { RunFate } from './run-fate.ts'
import { SampledSpan, isSampled, type EndedSpanLike } from './sampled-span.ts'

/** Options of {@link RunSamplingProcessor}: what leaves the process. */
export interface RunSamplingOptions extends HoldLimits {
  /** Which runs leave whole, beside those that are sampled. @defaultValue none */
  readonly keep?: KeepRules | undefined
  /**
   * What leaves of all other runs: their roots, with the totals, or nothing. A segment's root counts as one, and so does
   * an amendment.
   *
   * @defaultValue 'roots'
   */
  readonly rest?: 'roots' | 'nothing' | undefined
}

/** The names of {@link RunSamplingOptions}. */
export const runSamplingOptionNames: OptionNames<RunSamplingOptions> = {
  keep: true,
  rest: true,
  maxRuns: true,
  maxSpans: true,
  maxSpansPerRun: true,
  maxBytes: true,
  maxAgeMillis: true,
}

type Next = SpanProcessorLike & { onEnding?(span: never): void }

/** How many families are remembered of which a run was kept for a reason of its own. */
const rememberedFamilies = 10_000

/**
 * Decides per run, when it ends, what leaves the process of a run that is not sampled: the whole run, its root with the
 * totals, or nothing. Put it around the processor that exports, behind `RunRollupProcessor`, and put the sampler into a
 * `RunSampler`, so that there is something to decide about.
 *
 * Spans of an open run are held until something speaks for it or its root ends; the bounds are in {@link HoldLimits}. A
 * kept span goes on with the sampled flag set, and a dropped one as it is: stock processors skip that. What ends after
 * its root follows the decision. Sampled runs pass, and so do spans outside of runs.
 *
 * Nothing it does can throw into the application.
 *
 * @example
 * ```ts
 * import { BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
 * import { RunRollupProcessor, RunSamplingProcessor } from 'runspan'
 *
 * const exporting = new BatchSpanProcessor(new InMemorySpanExporter())
 * const spanProcessors = [
 *   new RunRollupProcessor(),
 *   new RunSamplingProcessor(exporting, { keep: { failed: true, slowerThanMillis: 60_000 } }),
 * ]
 * ```
 */
export class RunSamplingProcessor implements SpanProcessorLike {
  readonly #next: readonly Next[]
  readonly #keeper: RunKeeper
  readonly #rest: 'roots' | 'nothing'
  readonly #held: HeldRuns
  /** By the span context of the root, which the root's amendments have for a parent. Gone with the run's last span. */
  readonly #fates = new WeakMap<object, RunFate>()
  readonly #keptFamilies = new RecentKeys(rememberedFamilies)

  /**
   * @param next the processor that exports, or several
   * @throws {@link RunspanError} `bad_configuration` where an option cannot work
   */
  constructor(next: SpanProcessorLike | readonly SpanProcessorLike[], options: RunSamplingOptions = {}) {
    const processors: readonly Next[] = Array.isArray(next) ? next : [next as Next]
    for (const processor of processors) {
      if (typeof (processor as Partial<Next> | undefined)?.onEnd !== 'function')
        throw bad('next', processor, 'Pass the span processor that exports.')
    }
    checkOptions('RunSamplingProcessor', options, runSamplingOptionNames)
    const { keep, rest = 'roots' } = options
    if (rest !== 'roots' && rest !== 'nothing') throw bad('rest', rest, "Use 'roots' or 'nothing'.")
    this.#next = processors
    this.#keeper = new RunKeeper(keep)
    this.#rest = rest
    this.#held = new HeldRuns(options)
  }

  onStart(span: never, parentContext: Context): void {
    for (const processor of this.#next) quietly(() => processor.onStart(span, parentContext))
  }

  onEnding(span: never): void {
    for (const processor of this.#next) quietly(() => processor.onEnding?.(span))
  }

  onEnd(span: EndedSpanLike): void {
    quietly(() => this.#take(span))
  }

  /** Decides about runs that are older than they may be, and flushes what has been decided. */
  async forceFlush(): Promise<void> {
    this.#bound(undefined, timeOf(shared().clock.nowUnixMillis()))
    await Promise.all(this.#next.map((processor) => processor.forceFlush()))
  }

  /** Decides about all runs that are still open, by what is known. */
  async shutdown(): Promise<void> {
    const now = timeOf(shared().clock.nowUnixMillis())
    for (const fate of this.#held.all()) quietly(() => this.#decideEarly(fate, now))
    await Promise.all(this.#next.map((processor) => processor.shutdown()))
  }

  #take(span: EndedSpanLike): void {
    const node = nodeOf(span)
    if (node === undefined) {
      if (span.name === SPAN_RUNSPAN_AMENDMENT && span.parentSpanContext !== undefined) this.#amendment(span)
      else this.#forward(span)
      return
    }
    const part = outermostOf(node.part)
    const fate = this.#fateOf(part)
    if (node === part.root) this.#rootEnded(fate, span)
    else this.#spanEnded(fate, span)
  }

  #fateOf(part: PartTally): RunFate {
    const root = part.root!.span.spanContext()
    const known = this.#fates.get(root)
    if (known !== undefined) return known
    const fate = this.#begin(part, isSampled(root))
    this.#fates.set(root, fate)
    return fate
  }

  /** What is certain of a run from its start. */
  #begin(part: PartTally, isRootSampled: boolean): RunFate {
    if (isRootSampled) return new RunFate(part, 'sampler', undefined)
    if (!this.#keeper.looksAtEnds) return new RunFate(part, 'dropped', undefined)
    if (this.#keptFamilies.has(familyOf(part.entry))) return new RunFate(part, 'kept', 'family')
    return new RunFate(part, 'open', undefined)
  }

  #spanEnded(fate: RunFate, span: EndedSpanLike): void {
    // What the sampler sampled leaves, and of a run that it sampled it has left out the rest on purpose.
    if (fate.state === 'sampler' || isSampled(span.spanContext())) {
      this.#forward(span)
      return
    }
    switch (fate.state) {
      case 'kept':
        this.#leave(span)
        break
      case 'open': {
        this.#held.hold(fate, span)
        const reason = this.#keeper.whileOpen(fate.part, span.endTime)
        if (reason !== undefined) this.#keep(fate, reason)
        else this.#bound(fate, span.endTime)
        break
      }
      case 'given_up': {
        const reason = this.#keeper.whileOpen(fate.part, span.endTime)
        if (reason === undefined) this.#drop(fate, [span])
        else {
          this.#keep(fate, reason)
          this.#leave(span)
        }
        break
      }
      case 'dropped':
        this.#drop(fate, [span])
        break
    }
  }

  #rootEnded(fate: RunFate, span: EndedSpanLike): void {
    if (fate.state === 'sampler') {
      this.#forward(span)
      return
    }
    if (fate.state !== 'kept' && this.#keeper.looksAtEnds) {
      const reason = this.#keeper.atEnd(fate.part, span) ?? this.#familyReason(fate)
      if (reason !== undefined) this.#keep(fate, reason)
    }
    if (fate.state === 'kept') {
      this.#forward(new SampledSpan(span, rootAttributes(span, fate.reason!, fate.droppedSpans)))
      return
    }
    fate.state = 'dropped'
    this.#drop(fate, this.#held.release(fate))
    shared().counters.runsSampledOut++
    if (this.#rest === 'roots')
      this.#forward(new SampledSpan(span, rootAttributes(span, 'root_only', fate.droppedSpans)))
    else this.#drop(fate, [span])
  }

  /** A run of the same family was kept while this one was open. */
  #familyReason({ part }: RunFate): SamplingReason | undefined {
    return this.#keptFamilies.has(familyOf(part.entry)) ? 'family' : undefined
  }

  #keep(fate: RunFate, reason: SamplingReason): void {
    fate.state = 'kept'
    fate.reason = reason
    this.#keptFamilies.add(familyOf(fate.part.entry))
    for (const span of this.#held.release(fate)) this.#leave(span)
  }

  #leave(span: EndedSpanLike): void {
    this.#forward(new SampledSpan(span))
  }

  /** What came after the root is a part of the totals: it leaves where the root does. */
  #amendment(span: EndedSpanLike): void {
    const fate = this.#fates.get(span.parentSpanContext!)
    if (fate === undefined || fate.state === 'sampler') this.#forward(span)
    else if (fate.state === 'kept' || this.#rest === 'roots') this.#leave(span)
    else this.#drop(fate, [span])
  }

  #bound(latest: RunFate | undefined, now: readonly [number, number]): void {
    for (let fate = this.#held.nextToGo(latest, now); fate !== undefined; fate = this.#held.nextToGo(latest, now)) {
      this.#decideEarly(fate, now)
    }
  }

  #decideEarly(fate: RunFate, now: readonly [number, number]): void {
    const reason = this.#keeper.bySoFar(fate.part, now)
    if (reason !== undefined) {
      this.#keep(fate, reason)
      return
    }
    fate.state = 'given_up'
    this.#drop(fate, this.#held.release(fate))
    count(
      'runsGivenUp',
      'spans of an open run were dropped, because as much is held as may be. Raise the limits of RunSamplingProcessor.',
    )
  }

  /** Every span that started at the next processor ends there: some keep account of them. */
  #drop(fate: RunFate, spans: readonly EndedSpanLike[]): void {
    fate.droppedSpans += spans.length
    shared().counters.spansSampledOut += spans.length
    for (const span of spans) this.#forward(span)
  }

  #forward(span: EndedSpanLike): void {
    for (const processor of this.#next) quietly(() => processor.onEnd(span as never))
  }
}

/** The root says why it is here, and what is not. */
function rootAttributes(span: EndedSpanLike, reason: SamplingReason, droppedSpans: number): Attributes {
  const attributes: Attributes = { ...span.attributes, [ATTR_RUNSPAN_SAMPLING_REASON]: reason }
  if (droppedSpans > 0) attributes[ATTR_RUNSPAN_SAMPLING_DROPPED_SPANS] = droppedSpans
  return attributes
}

function timeOf(unixMillis: number): readonly [number, number] {
  return [Math.floor(unixMillis / 1000), (unixMillis % 1000) * 1e6]
}

function quietly(work: () => void): void {
  try {
    work()
  } catch (error) {
    count('internalErrors', 'a span processor failed; a span may be missing', error)
  }
}

function bad(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure ${name}: ${textOf(value)} cannot be used. ${advice}`,
  )
}
