import { context, type Context, type Span } from '@opentelemetry/api'

import { RunspanError } from '../errors.ts'
import { ModelCall } from './model-call.ts'
import { recordsAll } from './content.ts'
import { SpanHandle } from './span-handle.ts'
import { shapeOf } from './span-shape.ts'
import type { LlmInit, SpanInit, WorkSpan, WorkType } from './types.ts'
import { activeTracer, runSpan, runWork, startShaped } from './work-span.ts'

type Fn = (...args: never[]) => unknown

/**
 * Runs `fn` now, in a span below whatever is active. With `type: 'agent'` the span is a specialist inside the same run,
 * on the same bill, with a subtotal of its own; for an agent with a bill of its own, use `wrapAgent`.
 *
 * `fn` keeps its shape: what it returns comes back as it is, and the span ends where that truly ends. Outside a run it
 * is an ordinary span that belongs to no run.
 *
 * @example
 * ```ts
 * import { withSpan } from 'runspan'
 *
 * const rows = withSpan('parse', (span) => {
 *   span.setInput('a,b')
 *   return 'a,b'.split(',')
 * })
 * console.log(rows.length)
 * ```
 */
export function withSpan<R>(name: string, fn: (span: WorkSpan) => R, options?: SpanInit): R
export function withSpan<R>(init: SpanInit & { readonly name: string }, fn: (span: WorkSpan) => R): R
export function withSpan<R>(
  nameOrInit: string | (SpanInit & { readonly name: string }),
  fn: (span: WorkSpan) => R,
  options?: SpanInit,
): R {
  if (typeof nameOrInit === 'string') return runSpan(nameOrInit, options?.type ?? 'function', options ?? {}, fn)
  return runSpan(nameOrInit.name, nameOrInit.type ?? 'function', nameOrInit, fn)
}

/**
 * Makes a function that records one tool call each time it is called: span `execute_tool {name}`. It does not call
 * `fn` now, and keeps its type, `this`, name and length.
 *
 * Arguments and result are recorded only when content is switched on.
 *
 * @throws {@link RunspanError} `bad_configuration` where `fn` is no function
 */
export function tool<F extends Fn>(name: string, fn: F, options: SpanInit = {}): F {
  return wrap(name, 'tool', options, fn)
}

/** As {@link tool}, for a retrieval: span `retrieval {name}`. */
export function retrieval<F extends Fn>(name: string, fn: F, options: SpanInit = {}): F {
  return wrap(name, 'retrieval', options, fn)
}

/** As {@link tool}, for any other function: span `{name}`. */
export function trace<F extends Fn>(name: string, fn: F, options: SpanInit = {}): F {
  return wrap(name, options.type ?? 'function', options, fn)
}

/**
 * Makes a function that records one model call each time it is called: span `chat {model or name}`. Tokens are read
 * from results of the OpenAI, Anthropic, Google and AI SDK shapes, of streams from their chunks; of anything else with
 * `extractUsage`.
 */
export function llm<F extends Fn>(name: string, fn: F, options: LlmInit<Awaited<ReturnType<F>>> = {}): F {
  const init = options as LlmInit<unknown>
  return wrapped(name, 'llm', init, fn, (span, ctx) => new ModelCall(span, ctx, init))
}

function wrap<F extends Fn>(name: string, type: WorkType, options: SpanInit, fn: F): F {
  return wrapped(name, type, options, fn, (span, ctx) => new SpanHandle(span, ctx, type))
}

function wrapped<F extends Fn>(
  name: string,
  type: WorkType,
  options: SpanInit,
  fn: F,
  make: (span: Span, ctx: Context) => SpanHandle,
): F {
  if (typeof fn !== 'function') {
    throw new RunspanError(
      'bad_configuration',
      `Failed to wrap ${name}: ${String(fn)} is no function. Pass the name and then the function; withSpan runs one at once.`,
    )
  }
  const shape = shapeOf(name, type, options)
  return imitate(fn, function tracedCall(this: unknown, ...args: never[]): unknown {
    const work = startShaped(context.active(), activeTracer(), shape, make)
    if (options.input !== undefined) work.setInput(options.input)
    else if (args.length > 0 && recordsAll()) work.setInput(args.length === 1 ? args[0] : args)
    return runWork(work, () => Reflect.apply(fn, this, args))
  })
}

/** Gives a wrapper the name, length and own properties of what it wraps: frameworks read them all. */
function imitate<F extends Fn>(fn: F, wrapper: (this: unknown, ...args: never[]) => unknown): F {
  Object.assign(wrapper, fn)
  Object.defineProperty(wrapper, 'name', { value: fn.name, configurable: true })
  Object.defineProperty(wrapper, 'length', { value: fn.length, configurable: true })
  return wrapper as F
}
