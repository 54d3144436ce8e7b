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
  /** Kept, because every span of the run is exported with it. */
  readonly #header: string

  constructor(runId: string) {
    this.#header = headerOf(runId)
  }

  get(key: string): string | undefined {
    return key === traceStateKey ? this.#header.slice(prefix.length) : undefined
  }

  set(key: string, value: string): TraceState {
    return createTraceState(this.#header).set(key, value)
  }

  unset(key: string): TraceState {
    return key === traceStateKey ? createTraceState() : this
  }

  serialize(): string {
    return this.#header
  }
}

const prefix = `${traceStateKey}=`
const codes = Array.from(prefix + '0'.repeat(16), (character) => character.charCodeAt(0))

/** The member as one flat string: appending would make a rope, which exporters read slowly. */
function headerOf(runId: string): string {
  for (let at = 0; at < 16; at++) codes[prefix.length + at] = runId.charCodeAt(16 + at)
  return String.fromCharCode.apply(null, codes)
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
