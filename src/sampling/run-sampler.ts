import { trace, type Attributes, type Context, type Link } from '@opentelemetry/api'

import { checkOptions } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { mayBeAdopted } from '../rollup/adopted-run.ts'
import { openSpans } from '../rollup/open-spans.ts'
import { partOfTrace } from '../rollup/part-of-trace.ts'
import { anyNodeOf } from '../rollup/span-node.ts'
import type { RunEntry } from '../run/run-entry.ts'
import { shared } from '../run/shared.ts'
import { count } from '../run/stats.ts'
import { familyRandomness, randomnessOfRoot } from './family-randomness.ts'
import { thresholdOf, withRandomness } from './ot-trace-state.ts'
import { isSampled } from './sampled-span.ts'
import { decisions, type SamplerLike, type SamplingResultLike } from './sampler-like.ts'

/** Options of {@link RunSampler}. */
export interface RunSamplerOptions {
  /**
   * Whether a linked run gets the randomness of its family's first run, as `ot=rv:…` in its `tracestate`: then samplers
   * that know OpenTelemetry's consistent probability sampling decide alike for all runs of the family, here, in other
   * services and in collectors.
   *
   * @defaultValue true
   */
  readonly families?: boolean | undefined
  /**
   * The share of all families whose runs are sampled, from 0 to 1, in place of what the sampler inside says of runs. The
   * same families are sampled in every process that has this ratio and knows which family a run belongs to; others are
   * told by the sampled flag, as ever. A segment that the sampler inside samples stays sampled.
   *
   * @defaultValue what the sampler inside says
   */
  readonly ratio?: number | undefined
}

/**
 * Records what belongs to a run although the sampler around which it is put drops it. Such spans reach the span
 * processors, so that totals, callbacks and metrics are those of an unsampled process; they lack the sampled flag, so
 * that stock processors export none of them, and other services are told that the trace is not sampled.
 *
 * Spans outside of runs are sampled as ever. Works with any sampler of SDK 2.0 to 3.1:
 *
 * @example
 * ```ts
 * import { AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-node'
 * import { RunIdGenerator, RunRollupProcessor, RunSampler } from 'runspan'
 *
 * const options = {
 *   idGenerator: new RunIdGenerator(),
 *   sampler: new RunSampler(new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.01) })),
 *   spanProcessors: [new RunRollupProcessor()],
 * }
 * ```
 */
export class RunSampler implements SamplerLike {
  readonly #inner: SamplerLike
  readonly #families: boolean
  readonly #hasRatio: boolean
  readonly #threshold: string | undefined

  /**
   * @param inner decides what is sampled
   * @throws {@link RunspanError} `bad_configuration` where `inner` is no sampler, the ratio none, or there is no such
   *   option
   */
  constructor(inner: SamplerLike, options: RunSamplerOptions = {}) {
    if (typeof (inner as Partial<SamplerLike> | undefined)?.shouldSample !== 'function') {
      throw new RunspanError(
        'bad_configuration',
        `Failed to make a RunSampler: ${textOf(inner)} cannot be used. Pass the sampler that decides what is sampled.`,
      )
    }
    checkOptions('RunSampler', options, { families: true, ratio: true })
    this.#inner = inner
    const { families = true, ratio } = options
    if (ratio !== undefined && !(typeof ratio === 'number' && ratio >= 0 && ratio <= 1)) {
      throw new RunspanError(
        'bad_configuration',
        `Failed to configure ratio: ${textOf(ratio)} cannot be used. Pass a number from 0 to 1.`,
      )
    }
    this.#families = families
    this.#hasRatio = ratio !== undefined
    this.#threshold = ratio === undefined ? undefined : thresholdOf(ratio)
  }

  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: number,
    attributes: Attributes,
    links: Link[],
  ): SamplingResultLike {
    const result = this.#inner.shouldSample(context, traceId, spanName, spanKind, attributes, links)
    try {
      const { starting, amending } = shared()
      if (starting !== undefined) return this.#root(result, starting, traceId, context)
      if (result.decision !== decisions.drop) return result
      return amending || belongsToRun(context, traceId) || mayBeAdopted(attributes) ? recorded(result) : result
    } catch (error) {
      count('internalErrors', 'failed to see whether a span belongs to a run; it is sampled as ever', error)
      return result
    }
  }

  toString(): string {
    return `RunSampler{${this.#inner.toString()}}`
  }

  #root(result: SamplingResultLike, entry: RunEntry, traceId: string, context: Context): SamplingResultLike {
    const randomness = this.#families ? familyRandomness(entry, context) : undefined
    const traceState = randomness === undefined ? result.traceState : withRandomness(result.traceState, randomness)
    const isSampledHere = this.#hasRatio
      ? this.#isInRatio(randomnessOfRoot(entry, traceId, traceState, context)) ||
        (entry.joined && result.decision === decisions.sample)
      : result.decision === decisions.sample
    // The opener of a handed-off run has told everybody that it is not sampled: a root that is would stand alone.
    const decision = isSampledHere && entry.isUnsampled !== true ? decisions.sample : decisions.record
    if (decision === result.decision && traceState === result.traceState) return result
    return { ...result, decision, ...(traceState === undefined ? {} : { traceState }) }
  }

  #isInRatio(randomness: string): boolean {
    return this.#threshold !== undefined && randomness >= this.#threshold
  }
}

function recorded(result: SamplingResultLike): SamplingResultLike {
  return { ...result, decision: decisions.record }
}

/** Whether the rollup will attribute a span to a run, segment or agent of this process. */
function belongsToRun(context: Context, traceId: string): boolean {
  const parent = trace.getSpan(context)
  // A trace that begins here is no run's: a run's own root is known by then.
  if (parent === undefined) return false
  let node = anyNodeOf(parent)
  if (node === undefined) {
    if (partOfTrace(traceId, context) !== undefined) return true
    node = openSpans.find(parent.spanContext())
    if (node === undefined) return false
  }
  // What is not known to be an agent yet was recorded because it may be one, or it says so by now.
  return !node.part.isProvisional || !isSampled(node.span.spanContext()) || mayBeAdopted(node.span.attributes)
}
