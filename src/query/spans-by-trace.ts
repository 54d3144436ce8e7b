import type { StoredSpan } from './stored-span.ts'

/**
 * Spans by trace, each once, in the order in which they started. What stores give back is unordered, comes in parts,
 * and has what an exporter sent twice.
 */
export function spansByTrace(spans: Iterable<StoredSpan>): Map<string, readonly StoredSpan[]> {
  const traces = new Map<string, Map<string, StoredSpan>>()
  for (const span of spans) {
    let trace = traces.get(span.traceId)
    if (trace === undefined) traces.set(span.traceId, (trace = new Map()))
    const there = trace.get(span.spanId)
    trace.set(span.spanId, there === undefined ? span : fullerOf(there, span))
  }
  return new Map([...traces].map(([traceId, trace]) => [traceId, [...trace.values()].toSorted(byStart)]))
}

/** The order of spans: by start; then by id, so that the order in which spans arrived decides nothing. */
export function byStart(a: StoredSpan, b: StoredSpan): number {
  if (a.startUnixNano !== b.startUnixNano) return a.startUnixNano < b.startUnixNano ? -1 : 1
  return a.spanId < b.spanId ? -1 : a.spanId > b.spanId ? 1 : 0
}

/**
 * Which of two spans with one id stands. Copies are alike; two that are not are a root that was written in two
 * processes, and the later end knows more.
 */
function fullerOf(a: StoredSpan, b: StoredSpan): StoredSpan {
  if (a.endUnixNano !== b.endUnixNano) return a.endUnixNano > b.endUnixNano ? a : b
  return textOf(a) >= textOf(b) ? a : b
}

function textOf({ attributes, status, name }: StoredSpan): string {
  const keys = Object.keys(attributes).toSorted()
  const text = JSON.stringify([keys.map((key) => [key, attributes[key]]), status, name], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  // More attributes first, then any order that is always the same.
  return `${String(keys.length).padStart(8, '0')}${text}`
}
