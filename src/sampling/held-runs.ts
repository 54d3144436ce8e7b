import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { millisBetween } from './keep-rules.ts'
import type { RunFate } from './run-fate.ts'
import type { EndedSpanLike } from './sampled-span.ts'
import { roughSizeBytes } from './span-size.ts'

/** How much is held at most, of runs that are not decided about. Past a bound the oldest is decided by what is known. */
export interface HoldLimits {
  /** At least 1. @defaultValue 1_000 */
  readonly maxRuns?: number | undefined
  /** Spans of all runs together, at least 1. @defaultValue 50_000 */
  readonly maxSpans?: number | undefined
  /**
   * Spans of one run, at least 1. Below the queue of the processor that exports: a kept run enters that at once.
   *
   * @defaultValue 2_000
   */
  readonly maxSpansPerRun?: number | undefined
  /** Roughly, of all spans together, at least 1. @defaultValue 67_108_864, which is 64 MiB */
  readonly maxBytes?: number | undefined
  /** From the start of a run, in milliseconds, at least 1. Looked at when spans end, and at a flush. @defaultValue 600_000 */
  readonly maxAgeMillis?: number | undefined
}

const defaults = {
  maxRuns: 1000,
  maxSpans: 50_000,
  maxSpansPerRun: 2000,
  maxBytes: 64 * 1024 * 1024,
  maxAgeMillis: 600_000,
} as const

/** The runs whose spans are held, oldest first. */
export class HeldRuns {
  readonly #limits: Record<keyof HoldLimits, number> = { ...defaults }
  readonly #fates = new Set<RunFate>()
  #spans = 0
  #bytes = 0

  /** @throws {@link RunspanError} `bad_configuration` where a bound is no number that can bound anything */
  constructor(limits: HoldLimits) {
    for (const name of Object.keys(defaults) as (keyof HoldLimits)[]) {
      const value: unknown = limits[name]
      if (value === undefined) continue
      if (typeof value !== 'number' || !(value >= 1)) {
        throw new RunspanError(
          'bad_configuration',
          `Failed to configure ${name}: ${textOf(value)} cannot be used. Pass a number, at least 1.`,
        )
      }
      this.#limits[name] = value
    }
  }

  /** Holds a span of an open run. */
  hold(fate: RunFate, span: EndedSpanLike): void {
    const sizeBytes = roughSizeBytes(span)
    fate.held.push(span)
    fate.heldBytes += sizeBytes
    this.#spans++
    this.#bytes += sizeBytes
    if (fate.held.length === 1) this.#fates.add(fate)
  }

  /** Lets go of what is held of a run, and returns it. */
  release(fate: RunFate): readonly EndedSpanLike[] {
    if (this.#fates.delete(fate)) {
      this.#spans -= fate.held.length
      this.#bytes -= fate.heldBytes
    }
    return fate.release()
  }

  /** The run that has to go first, where a bound is passed. */
  nextToGo(latest: RunFate | undefined, now: readonly [number, number]): RunFate | undefined {
    const { maxRuns, maxSpans, maxSpansPerRun, maxBytes, maxAgeMillis } = this.#limits
    if (latest !== undefined && latest.held.length > maxSpansPerRun) return latest
    for (const oldest of this.#fates) {
      const isOver = this.#fates.size > maxRuns || this.#spans > maxSpans || this.#bytes > maxBytes
      return isOver || millisBetween(oldest.part.root!.span.startTime, now) > maxAgeMillis ? oldest : undefined
    }
    return undefined
  }

  /** All of them, oldest first. */
  all(): readonly RunFate[] {
    return [...this.#fates]
  }
}
