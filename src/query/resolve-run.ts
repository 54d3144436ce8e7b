import { ATTR_RUNSPAN_CHILD_RUN_ID } from '../attributes.ts'
import { RunspanError } from '../errors.ts'
import { dispatchOf } from './dispatch.ts'
import { runKeyOf } from './run-key.ts'
import type { StoredRun } from './run-reader.ts'
import type { SpanSource, StoredTrace } from './span-source.ts'
import { byStart } from './spans-by-trace.ts'

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/

/**
 * A run id as stores have it.
 *
 * @throws {@link RunspanError} `bad_request` where the text is none
 */
export function runIdOf(text: string): string {
  const key = typeof text === 'string' ? runKeyOf(text.trim()) : ''
  if (isRunKey(key)) return key
  throw new RunspanError(
    'bad_request',
    `Failed to read a run: its id cannot be ${JSON.stringify(text)}. Use 32 hex digits, or the dashed form of a UUID.`,
  )
}

/** Whether a text is a run id as stores have it. A parent may be named by any text. */
export function isRunKey(text: string): boolean {
  return traceIdPattern.test(text)
}

/** A run and how its id named it. */
export interface ResolvedRun {
  readonly trace: StoredTrace
  readonly foundBy: StoredRun['foundBy']
}

/**
 * Finds the run that an id names: its own id; one that was asked for and could not be kept; the first delivery of a run
 * of which nothing came, which its newest execution stands for.
 *
 * @param runId 32 lower-case hex digits; any other text names no run
 */
export async function resolveRun(
  source: SpanSource,
  runId: string,
  maxSpans: number,
): Promise<ResolvedRun | undefined> {
  if (!isRunKey(runId)) return undefined
  const trace = await source.readTrace(runId, maxSpans)
  if (trace?.isMarked === true) return { trace, foundBy: 'run_id' }
  for (const [key, foundBy] of [
    ['requestedRunId', 'requested_run_id'],
    ['firstRunId', 'first_run_id'],
  ] as const) {
    const { traces } = await source.findRuns({ [key]: runId }, 0, 1)
    const other = traces[0] === undefined ? undefined : await source.readTrace(traces[0].traceId, maxSpans)
    if (other !== undefined) return { trace: other, foundBy }
  }
  return trace === undefined ? undefined : { trace, foundBy: 'run_id' }
}

/**
 * Finds the run that started another, by the span it left. An ordinary trace may have left one too: a request that
 * started a run is not the run's parent, and where links are dropped nothing else tells them apart.
 *
 * @returns the one that did so first
 */
export async function dispatcherOf(source: SpanSource, runId: string): Promise<StoredTrace | undefined> {
  const naming = await source.findNaming(ATTR_RUNSPAN_CHILD_RUN_ID, runId)
  const traceIds = naming
    .filter((span) => dispatchOf(span)?.isParent === true)
    .toSorted(byStart)
    .map(({ traceId }) => traceId)
  for (const traceId of new Set(traceIds)) {
    const trace = await source.readTrace(traceId, 0)
    if (trace?.isMarked === true) return trace
  }
  return undefined
}
