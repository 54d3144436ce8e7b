import type { Context } from '@opentelemetry/api'

import { callerOf, runOfContext } from '../run/run-context.ts'
import { AdoptedRun } from './adopted-run.ts'
import type { PartTally } from './tally.ts'

/**
 * Whether a span belongs to a request that names a run of this process and was not let join it. An instrumentation
 * makes the request a part of the trace all the same; the run's numbers are not for strangers to write.
 */
export function isNotJoined({ entry }: PartTally, parentContext: Context): boolean {
  return (
    // What is inside a run says so in its nearest context; that there is no caller takes a walk through all of them.
    runOfContext(parentContext) === undefined &&
    callerOf(parentContext)?.traceId === entry.runId &&
    !entry.joined &&
    // What a request's own agent began is the request's.
    !(entry instanceof AdoptedRun)
  )
}
