import { SpanKind, SpanStatusCode, context, trace, type Attributes } from '@opentelemetry/api'

import type { LedgerEntry } from '../../../examples/model-server/ledger.ts'
import type { Case } from '../../harness/producer.ts'

/** A span as a producer writes it. */
export interface ReplayedSpan {
  readonly name: string
  readonly scope: string
  /** @defaultValue INTERNAL */
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** What it says only once it ends. */
  readonly late?: Attributes
  readonly failed?: boolean
  /** Whether it stands for the call of a tool. */
  readonly isTool?: boolean
  readonly below?: readonly ReplayedSpan[]
}

/** What one call is billed. */
export interface Bill {
  readonly model?: string
  readonly endpoint?: '/v1/messages' | '/v1/chat/completions' | '/v1/embeddings'
  readonly input: number
  readonly output: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
  readonly reasoning?: number
}

/** The spans of one producer as two cases: in a run, and alone where the producer marks its agents. */
export function replay(
  title: string,
  spans: readonly ReplayedSpan[],
  bills: readonly Bill[],
  options: Pick<Case, 'failed' | 'untold'> & { readonly unwrapped?: boolean } = {},
): readonly Case[] {
  const { unwrapped = true, ...rest } = options
  const one: Case = { ...replayCase(title, spans, bills.map(entryOf)), ...rest }
  return unwrapped ? [one, { ...one, title: `replayed: ${title}, unwrapped`, adopted: true }] : [one]
}

/** A case that writes spans, with its bill. */
export function replayCase(title: string, spans: readonly ReplayedSpan[], billed: readonly LedgerEntry[]): Case {
  return { title: `replayed: ${title}`, billed, run: (kit) => emit(spans, () => kit.toolRan()) }
}

function emit(spans: readonly ReplayedSpan[], toolRan: () => void): void {
  for (const {
    name,
    scope,
    kind = SpanKind.INTERNAL,
    attributes = {},
    late = {},
    failed,
    isTool,
    below = [],
  } of spans) {
    const span = trace.getTracer(scope).startSpan(name, { kind, attributes })
    if (isTool === true) toolRan()
    context.with(trace.setSpan(context.active(), span), () => emit(below, toolRan))
    span.setAttributes(late)
    if (failed === true) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
}

function entryOf(bill: Bill, index: number): LedgerEntry {
  const { model = 'gpt-4.1-mini', endpoint = '/v1/chat/completions', input, output } = bill
  return {
    requestId: String(index),
    endpoint,
    model,
    stream: false,
    status: 'completed',
    inputTokens: input,
    cachedInputTokens: bill.cacheRead ?? 0,
    cacheWriteInputTokens: bill.cacheWrite ?? 0,
    cacheWriteHourInputTokens: 0,
    outputTokens: output,
    reasoningOutputTokens: bill.reasoning ?? 0,
    toolCalls: 0,
    usageSent: true,
  }
}
