import { context, trace, type Context, type Span, type Tracer } from '@opentelemetry/api'

import { follow } from './follow/follow.ts'
import { ambientTracer } from './ambient-tracer.ts'
import { currentPart } from './run-context.ts'
import { shapeOf } from './span-shape.ts'
import { SpanHandle } from './span-handle.ts'
import { startQuietly } from './start-span.ts'
import type { LlmInit, SpanInit, WorkSpan, WorkType } from './types.ts'

type AnyInit = SpanInit & Pick<LlmInit<unknown>, 'model' | 'provider'>

/** Starts a span of ours below `parent`. */
export function startWork(
  parent: Context,
  tracer: Tracer,
  name: string,
  type: WorkType,
  init: AnyInit,
  signal?: AbortSignal,
): SpanHandle {
  const { name: spanName, kind, attributes } = shapeOf(name, type, init)
  const span: Span = startQuietly(tracer, spanName, { kind, attributes }, parent)
  const handle = new SpanHandle(span, trace.setSpan(parent, span), type, signal)
  if (init.input !== undefined) handle.setInput(init.input)
  return handle
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
  return runWork(startWork(parent, tracer, name, type, init), fn)
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

/** Runs `fn` in a span below whatever is active: inside a run its span, outside an ordinary one. */
export function runSpan<R>(name: string, type: WorkType, init: AnyInit, fn: (span: WorkSpan) => R): R {
  const part = currentPart()
  if (part !== undefined) part.activity++
  return runSpanIn(context.active(), part?.tracer ?? ambientTracer(), name, type, init, fn)
}
