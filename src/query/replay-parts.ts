import type { Attributes } from '@opentelemetry/api'

import { replay, type EndedPart, type EndedSpan } from '../rollup/replay.ts'
import { Sums } from '../rollup/sums.ts'
import type { Subtotal } from '../run/run-tally.ts'
import type { ProcessPart } from './process-parts.ts'
import { isRunRoot } from './run-root.ts'
import type { StoredSpan, StoredSpanKind } from './stored-span.ts'

/** What parts of a trace come to by the rules of the rollup. */
export interface Replayed {
  /** What the spans of one part come to. */
  ofPart(part: ProcessPart): Subtotal
  /** What all of them come to together: less than the sum where one repeats a call of another. */
  readonly whole: Subtotal
}

/**
 * Counts parts of a trace anew. Foreign parts stand side by side, each below the caller whose rollup may hold the same
 * calls.
 *
 * @param parts all of the trace, each after the one around it
 * @param callers those of them whose numbers somebody has reported, or nobody needs
 * @param foreign those that nobody has counted
 */
export function replayParts(
  parts: readonly ProcessPart[],
  callers: ReadonlySet<ProcessPart>,
  foreign: ReadonlySet<ProcessPart>,
): Replayed {
  const endedParts = new Map<ProcessPart, EndedPart>()
  const endedSpans = new Map<string, EndedSpan>()
  for (const part of parts) {
    if (!callers.has(part) && !foreign.has(part)) continue
    const endedPart: EndedPart = { around: part.isReported ? undefined : aroundOf(part, endedParts, callers) }
    endedParts.set(part, endedPart)
    for (const span of part.spans) {
      const parent = span === part.top && part.isReported ? undefined : endedSpans.get(span.parentSpanId ?? '')
      endedSpans.set(span.spanId, endedSpanOf(span, parent, endedPart))
    }
  }
  const sums = replay([...endedSpans.values()])
  const whole = new Sums()
  for (const [part, subtotal] of sums) if (part.around === undefined) whole.addSubtotal(subtotal)
  return {
    ofPart: (part) => sums.get(endedParts.get(part)!)!,
    whole: whole.subtotal(),
  }
}

function aroundOf(
  { around }: ProcessPart,
  endedParts: ReadonlyMap<ProcessPart, EndedPart>,
  callers: ReadonlySet<ProcessPart>,
): EndedPart | undefined {
  const endedPart = around && endedParts.get(around)
  return around !== undefined && callers.has(around) ? endedPart : endedPart?.around
}

/** `SpanKind` of the API. */
const kindNumbers: Readonly<Record<StoredSpanKind, number>> = {
  unspecified: 0,
  internal: 0,
  server: 1,
  client: 2,
  producer: 3,
  consumer: 4,
}

function endedSpanOf(span: StoredSpan, parent: EndedSpan | undefined, part: EndedPart): EndedSpan {
  const { name, kind, attributes, status, scope, startUnixNano, endUnixNano } = span
  return {
    name,
    kind: kindNumbers[kind],
    attributes: attributes as Attributes,
    hasFailed: status.code === 'error',
    scopeName: scope.name,
    startUnixNano,
    endUnixNano,
    parent,
    part,
    isRunRoot: isRunRoot(span),
  }
}

/** What the first has beyond the second. */
export function difference(a: Subtotal, b: Subtotal): Subtotal {
  const sums = new Sums()
  sums.addSubtotal(a)
  sums.addSubtotal(b, -1)
  return sums.subtotal()
}
