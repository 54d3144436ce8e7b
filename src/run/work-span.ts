import { context, trace, type Context, type Span, type Tracer } from '@opentelemetry/api'

import { follow } from './follow/follow.ts'
import { ambientTracer } from './ambient-tracer.ts'
import { currentPart } from './run-context.ts'
import { shapeOf, type SpanShape } from './span-shape.ts'
import { SpanHandle } from './span-handle.ts'
import { startQuietly } from './start-span.ts'
import type { LlmInit, SpanInit, WorkSpan, WorkType } from './types.ts'

type AnyInit = SpanInit & Pick<LlmInit<unknown>, 'model' | 'provider'>

/** Starts a span of a known shape below `parent`, in the form of handle that `make` gives it. */
export function startShaped<H extends SpanHandle>(
  parent: Context,
  tracer: Tracer,
  { name, kind, attributes }: SpanShape,
  make: (span: Span, context: Context) => H,
): H {
  // A copy: a shape is used for many spans, and what a tracer does with the attributes it is given is its business.
  const span = startQuietly(tracer, name, { kind, attributes: { ...attributes } }, parent)
  return make(span, trace.setSpan(parent, span))
}

/** Runs `fn` in a span below `parent`, and ends the span where what `fn` returns truly ends. */
export function runSpanIn<R>(
  parent: Context,
  tracer: Tracer,
  name: string,
  type: WorkType,
  init: AnyInit,
  fn: (span: WorkSpan) => R,
): R {
  const work = startShaped(parent, tracer, shapeOf(name, type, init), (span, ctx) => new SpanHandle(span, ctx, type))
  if (init.input !== undefined) work.setInput(init.input)
  return runWork(work, fn)
}

/** Runs `fn` in a span that has started. */
export function runWork<R>(work: SpanHandle, fn: (span: WorkSpan) => R): R {
  let result: R
  try {
    result = context.with(work.context, fn, undefined, work)
  } catch (error) {
    work.failed(error)
    throw error
  }
  return follow(result, work)
}

/** The tracer for a span below whatever is active; in a run that is the run's, which is not idle then. */
export function activeTracer(): Tracer {
  const part = currentPart()
  if (part === undefined) return ambientTracer()
  part.activity++
  return part.tracer
}

/** Runs `fn` in a span below whatever is active: inside a run its span, outside an ordinary one. */
export function runSpan<R>(name: string, type: WorkType, init: AnyInit, fn: (span: WorkSpan) => R): R {
  return runSpanIn(context.active(), activeTracer(), name, type, init, fn)
}
