import type { CallUsage } from './usage-attributes.ts'

/**
 * What hangs on a span of ours or of a run: the handle that code was given for it, and what its agent said of itself.
 * The rollup's node is one of these with more on it.
 *
 * One property for everything: each further one gives spans another hidden class, and the SDK's own code, which sees
 * all spans, gets slower for every tracer in the process.
 */
export interface SpanState {
  handle: unknown
  selfReported: CallUsage | undefined
}

// A registered symbol: a second processor, or a second copy of the package, sees what is there already.
const stateKey: unique symbol = Symbol.for('runspan.span') as never
type Carrier = { [stateKey]?: SpanState | undefined }

/** The state of a span, if it has one. */
export function stateOf(span: object | undefined): SpanState | undefined {
  return span === undefined ? undefined : (span as Carrier)[stateKey]
}

/** Gives a span its state. */
export function setState(span: object, state: SpanState): void {
  ;(span as Carrier)[stateKey] = state
}

/** Takes the state of a span off it. The property stays: spans keep their hidden class. */
export function clearState(span: object): void {
  ;(span as Carrier)[stateKey] = undefined
}

/** Remembers the handle of a span. */
export function setHandle(span: object, handle: unknown): void {
  const state = stateOf(span)
  if (state === undefined) setState(span, { handle, selfReported: undefined })
  else state.handle = handle
}
