import { context, createContextKey, trace, type Context, type Span, type SpanContext } from '@opentelemetry/api'

import { LayeredContext } from '../internal/layered-context.ts'
import type { RunPart } from './run-part.ts'
import { shared } from './shared.ts'

// createContextKey registers its symbol globally (`Symbol.for`), so two copies of the package agree on it.
const runKey = createContextKey('runspan.run')
const callerKey = createContextKey('runspan.caller')

/** The run or joined part that a context belongs to. */
export function runOfContext(ctx: Context): RunPart | undefined {
  return ctx.getValue(runKey) as RunPart | undefined
}

/** A context in which `part` is the current run, and `span` the active span. */
export function withRun(ctx: Context, part: RunPart, span: Span): Context {
  return trace.setSpan(new LayeredContext(ctx, runKey, part), span)
}

/** A context that remembers a caller whose run was not joined: a run opened in it links there. */
export function withCaller(ctx: Context, caller: SpanContext): Context {
  shared().hasCallers = true
  return ctx.setValue(callerKey, caller)
}

/** The caller whose run was not joined, if there is one. */
export function callerOf(ctx: Context): SpanContext | undefined {
  return ctx.getValue(callerKey) as SpanContext | undefined
}

/** The run or joined part that the running code is in. */
export function currentPart(): RunPart | undefined {
  return runOfContext(context.active())
}

/**
 * The context to start a span of `part` in: the active one where it is inside that part already, else the part's own.
 */
export function contextOfPart(part: RunPart): Context {
  const active = context.active()
  return runOfContext(active) === part && trace.getSpan(active) !== undefined ? active : part.context
}
