import { context, trace, type Context } from '@opentelemetry/api'

import { ATTR_RUNSPAN_JOIN_REFUSED } from '../../attributes.ts'
import { runOfContext, withCaller } from '../../run/run-context.ts'
import type { Segment } from '../../run/segment.ts'
import { count } from '../../run/stats.ts'
import type { RunRef } from '../../run/types.ts'
import type { Carrier } from '../carrier.ts'
import { extractCaller, extractRun } from '../extract-run.ts'
import type { TrustCheck, TrustedRequest } from '../trust.ts'

/**
 * The one core of every middleware: in which context the rest of a request runs.
 *
 * A trusted request that carries a run is joined. Every other one passes through; a run that is opened in its handler
 * links to the caller. A request that another middleware has joined already stays as it is: one segment per call.
 *
 * @param headers what carries the run
 * @param requestOf the request as `trust` sees it, made only where a run is carried
 * @param join opens the segment; whoever calls it sees to its end
 */
export function arrive(
  headers: Carrier,
  isTrusted: TrustCheck,
  requestOf: () => TrustedRequest,
  join: (ref: RunRef, active: Context) => Segment,
): Context {
  const active = context.active()
  try {
    const ref = extractRun(headers)
    if (ref !== undefined) {
      const around = runOfContext(active)
      if (around?.joined === true && around.runId === ref.runId) return active
      if (isTrusted(requestOf(), ref)) return join(ref, active).context
      count('requestsUntrusted')
      markRefused(active, ref)
    }
    const caller = extractCaller(headers)
    return caller === undefined ? active : withCaller(active, { ...caller, isRemote: true })
  } catch (error) {
    count('internalErrors', 'failed to join a request; it was passed through', error)
    return active
  }
}

/**
 * An instrumentation has made the request's server span a part of the run's trace before anybody was asked. Readers, who
 * count what services without Runspan do there, are to leave out what is below it.
 */
function markRefused(active: Context, { runId }: RunRef): void {
  const server = trace.getSpan(active)
  if (server?.isRecording() === true && server.spanContext().traceId === runId) {
    server.setAttribute(ATTR_RUNSPAN_JOIN_REFUSED, true)
  }
}
