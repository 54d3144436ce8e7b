import { context, isSpanContextValid, trace } from '@opentelemetry/api'

import { noSpan } from './no-span.ts'
import { currentPart } from './run-context.ts'
import { SpanHandle } from './span-handle.ts'
import { stateOf } from './span-state.ts'
import type { Run, WorkSpan } from './types.ts'

/** The run that the running code is in, joined or not; `undefined` outside one. */
export function currentRun(): Run | undefined {
  return currentPart()
}

/** The id of {@link currentRun}. */
export function currentRunId(): string | undefined {
  return currentPart()?.runId
}

/**
 * The active span, whoever started it, with what Runspan can say about it. Where nothing is active it is a handle that
 * takes everything and records nothing.
 */
export function currentSpan(): WorkSpan {
  const active = context.active()
  const span = trace.getSpan(active)
  if (span === undefined || !isSpanContextValid(span.spanContext())) return noSpan
  return (stateOf(span)?.handle as WorkSpan | undefined) ?? new SpanHandle(span, active, 'function')
}
