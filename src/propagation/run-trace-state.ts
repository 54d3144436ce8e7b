import { createTraceState, type TraceState } from '@opentelemetry/api'

import { formatTraceState, maxTraceStateLength, parseTraceState, type TraceStateMember } from './trace-state-members.ts'

/** The `tracestate` member that marks a trace as a run. */
export const traceStateKey = 'runspan'

/** What the member of a run says: the low 16 hex digits of the run id, so that it cannot stray to another trace. */
export function traceStateValueOf(runId: string): string {
  return runId.slice(16)
}

/**
 * A trace state that holds the run's member alone, made once per run. The api's own class parses and checks a header
 * on each construction, which is as dear as a span's attributes.
 */
class RunTraceState implements TraceState {
  readonly #runId: string
  /** Made when it is first asked for and kept, because every span of the run is exported with it. */
  #header: string | undefined = undefined

  constructor(runId: string) {
    this.#runId = runId
  }

  get(key: string): string | undefined {
    return key === traceStateKey ? traceStateValueOf(this.#runId) : undefined
  }

  set(key: string, value: string): TraceState {
    return createTraceState(this.serialize()).set(key, value)
  }

  unset(key: string): TraceState {
    return key === traceStateKey ? createTraceState() : this
  }

  serialize(): string {
    return (this.#header ??= headerOf(this.#runId))
  }
}

/** The member as one flat string: appending would make a rope, which exporters read slowly. */
function headerOf(runId: string): string {
  return String.fromCharCode(
    // `runspan=`
    0x72,
    0x75,
    0x6e,
    0x73,
    0x70,
    0x61,
    0x6e,
    0x3d,
    runId.charCodeAt(16),
    runId.charCodeAt(17),
    runId.charCodeAt(18),
    runId.charCodeAt(19),
    runId.charCodeAt(20),
    runId.charCodeAt(21),
    runId.charCodeAt(22),
    runId.charCodeAt(23),
    runId.charCodeAt(24),
    runId.charCodeAt(25),
    runId.charCodeAt(26),
    runId.charCodeAt(27),
    runId.charCodeAt(28),
    runId.charCodeAt(29),
    runId.charCodeAt(30),
    runId.charCodeAt(31),
  )
}

/** The trace state of a run, beside what a sampler may have written. */
export function runTraceState(runId: string, existing?: TraceState): TraceState {
  return existing === undefined ? new RunTraceState(runId) : existing.set(traceStateKey, traceStateValueOf(runId))
}

/** Whether a trace state marks this trace as a run. */
export function marksRun(traceState: TraceState | undefined, traceId: string): boolean {
  return traceState?.get(traceStateKey) === traceStateValueOf(traceId)
}

/** A parsed `tracestate`, or `undefined` where it is empty, malformed or too long. */
export function traceStateFrom(header: unknown): TraceState | undefined {
  if (typeof header !== 'string' || header === '') return undefined
  return parseTraceState(header) === undefined ? undefined : createTraceState(header)
}

/** The `tracestate` header of a span of a run: with the run's member, and within the limits. */
export function traceStateHeader(traceState: TraceState | undefined, runId: string): string {
  const marked = marksRun(traceState, runId) ? traceState! : runTraceState(runId, traceState)
  const header = marked.serialize()
  return header.length <= maxTraceStateLength ? header : formatTraceState(parseLong(header))
}

/** What this process itself put together may be longer than what it would read. */
function parseLong(header: string): readonly TraceStateMember[] {
  return header.split(',').map((text) => ({ key: text.split('=', 1)[0]!, text }))
}
