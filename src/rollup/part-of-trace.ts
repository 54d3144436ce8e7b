import type { Context } from '@opentelemetry/api'

import { runOfContext } from '../run/run-context.ts'
import { shared } from '../run/shared.ts'
import { PartTally } from './tally.ts'

/**
 * The part of a span whose parent is not recorded here: the one that the code is in, else the run that the trace is, if
 * it is open. A server span that a run calls in its own process is such a span.
 */
export function partOfTrace(traceId: string, parentContext: Context): PartTally | undefined {
  const current = runOfContext(parentContext)
  const entry = current?.runId === traceId ? current : shared().open.get(traceId)
  if (entry === undefined || (entry.joined && entry !== current)) return undefined
  return entry.tally instanceof PartTally ? entry.tally : undefined
}
