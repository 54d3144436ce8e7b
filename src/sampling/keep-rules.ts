import type { Attributes } from '@opentelemetry/api'

import { ATTR_RUNSPAN_RUN_STATUS } from '../attributes.ts'
import { checkOptions } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { statusError, type ReadableSpanLike } from '../rollup/span-like.ts'
import type { PartTally } from '../rollup/tally.ts'
import { guarded } from '../run/stats.ts'
import type { RunStatus, RunTotals } from '../run/types.ts'
import { familyOf } from './family-randomness.ts'

/** A run, or a joined part of one, that is about to be kept or not. */
export interface SampledRun {
  readonly runId: string
  /** The first run of the family, where it is known; else the run itself. */
  readonly rootRunId: string
  /** `segment`: a joined part of a run that another process owns. `agent`: one that nobody wrapped, below another span. */
  readonly scope: 'run' | 'segment' | 'agent'
  /** `undefined` where the run has not ended: a bound was reached, and it is decided by what is known. */
  readonly status: RunStatus | undefined
  readonly durationMillis: number
  /** The sums so far: those of this process's part. */
  readonly totals: RunTotals
  /** Those of the root span. */
  readonly attributes: Readonly<Attributes>
}

/** Which runs leave the process whole beside those that are sampled. One that any of these keeps is kept. */
export interface KeepRules {
  /** Runs that failed, timed out or were abandoned. @defaultValue false */
  readonly failed?: boolean | undefined
  /** Runs that took longer than so many milliseconds. @defaultValue none */
  readonly slowerThanMillis?: number | undefined
  /** Runs that cost more than so many US dollars, as far as their cost is known. @defaultValue none */
  readonly costUsdAbove?: number | undefined
  /** Asked at the end of a run that no other rule keeps. What it throws is counted, and keeps nothing. */
  readonly decide?: ((run: SampledRun) => boolean) | undefined
}

/** Why a run left the process whole, or that it did not. `runspan.sampling.reason` on the root. */
export type SamplingReason = 'failed' | 'slow' | 'expensive' | 'decided' | 'family' | 'root_only'

const checks: Readonly<
  Record<keyof KeepRules, { readonly fits: (value: unknown) => boolean; readonly advice: string }>
> = {
  failed: { fits: (value) => typeof value === 'boolean', advice: 'Pass true or false.' },
  slowerThanMillis: { fits: isAmount, advice: 'Pass a number of milliseconds, at least 0.' },
  costUsdAbove: { fits: isAmount, advice: 'Pass a number of US dollars, at least 0.' },
  decide: { fits: (value) => typeof value === 'function', advice: 'Pass a function of the run.' },
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** Rules, checked and ready to be asked. */
export class RunKeeper {
  readonly #failed: boolean
  readonly #slowerThanMillis: number
  readonly #nanoUsdAbove: number
  readonly #decide: KeepRules['decide']
  /** Whether it may matter how a run ends. */
  readonly looksAtEnds: boolean

  /** @throws {@link RunspanError} `bad_configuration` where a rule cannot be used, or is not known */
  constructor(rules: KeepRules = {}) {
    checkOptions('keep', rules, checks)
    for (const [name, { fits, advice }] of Object.entries(checks)) {
      const value = rules[name as keyof KeepRules]
      if (value !== undefined && !fits(value)) throw bad(name, value, advice)
    }
    const { failed, slowerThanMillis, costUsdAbove, decide } = rules
    this.#failed = failed === true
    this.#slowerThanMillis = slowerThanMillis ?? Number.POSITIVE_INFINITY
    this.#nanoUsdAbove = costUsdAbove === undefined ? Number.POSITIVE_INFINITY : costUsdAbove * 1e9
    this.#decide = decide
    this.looksAtEnds =
      this.#failed || slowerThanMillis !== undefined || costUsdAbove !== undefined || decide !== undefined
  }

  /** What is certain before the run has ended. */
  whileOpen(part: PartTally, now: readonly [number, number]): SamplingReason | undefined {
    if (part.sums.nanoUsd > this.#nanoUsdAbove) return 'expensive'
    const { startTime } = part.root!.span
    return millisBetween(startTime, now) > this.#slowerThanMillis ? 'slow' : undefined
  }

  /** What is known of a run that cannot be waited for: one that has seen failures may be failing. */
  bySoFar(part: PartTally, now: readonly [number, number]): SamplingReason | undefined {
    if (this.#failed && part.sums.errors > 0) return 'failed'
    return this.whileOpen(part, now) ?? this.#ask(part, undefined, now)
  }

  /** What is known at the end. */
  atEnd(part: PartTally, root: ReadableSpanLike): SamplingReason | undefined {
    const status = statusOf(root)
    if (this.#failed && (status === 'failed' || status === 'timeout' || status === 'abandoned')) return 'failed'
    const end = root.endTime ?? root.startTime
    return this.whileOpen(part, end) ?? this.#ask(part, status, end)
  }

  #ask(part: PartTally, status: RunStatus | undefined, now: readonly [number, number]): SamplingReason | undefined {
    const decide = this.#decide
    if (decide === undefined) return undefined
    const { entry, root } = part
    const run: SampledRun = {
      runId: entry.runId,
      rootRunId: familyOf(entry),
      scope: part.scope,
      status,
      durationMillis: millisBetween(root!.span.startTime, now),
      totals: part.snapshot(),
      attributes: root!.span.attributes,
    }
    return guarded('keep.decide', () => decide(run)) === true ? 'decided' : undefined
  }
}

/** A segment has no status of its own: its span's says whether it failed. */
function statusOf({ attributes, status }: ReadableSpanLike): RunStatus {
  const written = attributes[ATTR_RUNSPAN_RUN_STATUS]
  if (typeof written === 'string') return written as RunStatus
  return status.code === statusError ? 'failed' : 'completed'
}

/** Milliseconds between two times of the SDK, which are seconds and nanoseconds. */
export function millisBetween(start: readonly [number, number], end: readonly [number, number]): number {
  return (end[0] - start[0]) * 1000 + (end[1] - start[1]) / 1e6
}

function bad(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure keep.${name}: ${textOf(value)} cannot be used. ${advice}`,
  )
}
