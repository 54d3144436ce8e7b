import { ProxyTracerProvider, context, type TimeInput } from '@opentelemetry/api'

import { ATTR_RUNSPAN_RUN_DETACHED } from '../attributes.ts'
import { textOf } from '../internal/text-of.ts'
import { decodeHandOff } from './hand-off.ts'
import { runIdOfTarget } from './link-target.ts'
import { markStart } from './live-spans.ts'
import { openRun, startRoot } from './open-run.ts'
import { OwnedRun } from './owned-run.ts'
import { isUsed } from './registry.ts'
import { shared } from './shared.ts'
import { count } from './stats.ts'
import type { OpenRun, RunOptions, RunOutcome, RunTarget } from './types.ts'
import { ambientTracer } from './ambient-tracer.ts'

/**
 * Opens a run that is ended by hand: with `end`, with `endRun` anywhere in this process, or elsewhere after
 * `handOff()`. It does not become the current run; `run.with(fn)` runs code inside it.
 *
 * A span `runspan started` below its root shows that it is open, unless `startMarker` is false.
 *
 * A run that is never ended becomes `abandoned` after `abandonAfterMillis` without a span. Disposing one that was not
 * ended (`using run = startRun(…)`) writes `abandoned` with the reason `disposed`, because `using` cannot see a throw.
 *
 * @example
 * ```ts
 * import { startRun } from 'runspan'
 *
 * const run = startRun('import', { goal: 'load rows' })
 * try {
 *   run.with(() => loadRows())
 *   run.end({ output: 'done' })
 * } catch (error) {
 *   run.end({ error })
 * }
 * function loadRows(): void {}
 * ```
 */
export function startRun<I = unknown>(name: string, options: RunOptions<I> = {}): OpenRun<I> {
  const run = openRun(name, options)
  markStart(run, options, true)
  return run
}

/**
 * Ends a run from anywhere: one that this process opened, by handle, ref or id; or one that another process handed
 * off, by the ref of `handOff()`, whose root is then written here with its true name, start and parent.
 *
 * @returns whether this call ended the run. `false`, counted, where it had ended, or where the run is another
 *   process's and was not handed off
 */
export function endRun(target: OpenRun | RunTarget, outcome: RunOutcome = {}): boolean {
  if (isEndable(target)) return endOpen(target, outcome)
  const runId = runIdOfTarget(target)
  if (
    typeof target === 'object' &&
    target !== null &&
    'handedOff' in target &&
    target.handedOff !== undefined &&
    runId !== undefined
  ) {
    return endHandedOff(runId, target.handedOff, outcome)
  }
  const entry = runId === undefined ? undefined : shared().open.get(runId)
  if (isEndable(entry)) return endOpen(entry, outcome)
  count(
    'endsIgnored',
    `endRun did not find an open run ${runId ?? textOf(target)} in this process. To end a run elsewhere, pass the ref that handOff() returned.`,
  )
  return false
}

/** Runs of ours, also of another copy of the package: they share the registry. */
function isEndable(value: unknown): value is Pick<OwnedRun, 'end' | 'canEnd'> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<OwnedRun>).end === 'function'
}

function endOpen(run: Pick<OwnedRun, 'end' | 'canEnd'>, outcome: RunOutcome): boolean {
  const isFirst = run.canEnd
  run.end(outcome)
  return isFirst
}

/**
 * Writes the root of a run that was opened elsewhere, and ends it: under the id that its parts point at, and not at all
 * where the opener's sampler dropped it, because then its parts were dropped too. One that was recorded without being
 * sampled has a subtotal: it goes on as it was.
 */
function endHandedOff(runId: string, handedOff: string, outcome: RunOutcome): boolean {
  const description = decodeHandOff(handedOff)
  if (description === undefined) {
    count('endsIgnored', `the ref of run ${runId} was damaged on its way; it cannot be ended with it.`)
    return false
  }
  if (isUsed(runId)) {
    count('endsIgnored', `run ${runId} was ended twice; the first end stands.`)
    return false
  }
  const { agentName, parentRunId, rootRunId, conversationId, userId, subtotal } = description
  const isRecorded = description.isSampled || subtotal !== undefined
  const tracer = isRecorded ? ambientTracer() : new ProxyTracerProvider().getTracer('runspan')
  const run = new OwnedRun(agentName, runId, tracer, { conversationId, userId }, { parentRunId, rootRunId }, undefined)
  run.isUnsampled = !description.isSampled
  const attributes = { ...description.attributes, [ATTR_RUNSPAN_RUN_DETACHED]: true }
  const identity = { runId, requested: runId, first: undefined, attempt: undefined }
  const init = {
    attributes,
    links: [...description.links],
    startTime: timeOf(description.startUnixNano),
    spanId: description.spanId,
  }
  startRoot(run, identity, init, context.active(), undefined)
  if (subtotal !== undefined) run.tally?.addSubtotal(subtotal)
  // Whoever joined the run in between reports on segments of their own.
  run.tally?.markIncomplete('handed_off')
  run.end(outcome)
  return true
}

function timeOf(unixNano: string): TimeInput {
  const nanos = BigInt(unixNano)
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]
}
