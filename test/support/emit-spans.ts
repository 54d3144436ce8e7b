import { SpanKind, SpanStatusCode, context, trace, type Attributes, type Context, type Span } from '@opentelemetry/api'

/** A span that somebody else's instrumentation writes. */
export interface ForeignSpan {
  readonly name: string
  /** @defaultValue INTERNAL */
  readonly kind?: SpanKind
  /** Name of the instrumentation scope. @defaultValue 'foreign' */
  readonly scope?: string
  readonly attributes?: Attributes
  readonly failed?: boolean
  readonly below?: readonly ForeignSpan[]
}

/** Writes spans below whatever is active, each ended after everything below it. */
export function emitSpans(spans: readonly ForeignSpan[], parent: Context = context.active()): void {
  for (const span of spans) {
    const started = startForeign(span, parent)
    emitSpans(span.below ?? [], trace.setSpan(parent, started))
    started.end()
  }
}

/** Writes a tree of spans, all of them started first, then ended in the order of their names. */
export function emitInOrder(spans: readonly ForeignSpan[], order: readonly string[]): void {
  const started = new Map<string, Span>()
  const start = (span: ForeignSpan, parent: Context): void => {
    const it = startForeign(span, parent)
    started.set(span.name, it)
    for (const child of span.below ?? []) start(child, trace.setSpan(parent, it))
  }
  for (const span of spans) start(span, context.active())
  for (const name of order) started.get(name)!.end()
}

export function startForeign(
  { name, kind = SpanKind.INTERNAL, scope = 'foreign', attributes = {}, failed = false }: ForeignSpan,
  parent: Context = context.active(),
): Span {
  const span = trace.getTracer(scope).startSpan(name, { kind, attributes }, parent)
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
  return span
}

/** Usage as the conventions have it. */
export function usage(input: number, output = 0): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output }
}

/** A model call as the conventions have it. */
export function chat(input: number, output = 0, more: Partial<ForeignSpan> = {}): ForeignSpan {
  return {
    name: 'chat',
    kind: SpanKind.CLIENT,
    ...more,
    attributes: { 'gen_ai.operation.name': 'chat', ...usage(input, output), ...more.attributes },
  }
}

/** A span that the conventions give an operation name. */
export function operation(name: string, more: Partial<ForeignSpan> = {}): ForeignSpan {
  return { name, ...more, attributes: { 'gen_ai.operation.name': name, ...more.attributes } }
}
