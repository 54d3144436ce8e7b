import {
  SpanKind,
  SpanStatusCode,
  type Attributes,
  type AttributeValue,
  type HrTime,
  type Link,
} from '@opentelemetry/api'
import { expect } from 'vitest'

/** What a tree shows of a span; the SDK's spans and those of the OTLP sink both fit. */
export interface ShownSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  readonly status: { readonly code: SpanStatusCode; readonly message?: string }
  readonly links: readonly Link[]
  readonly startTime: HrTime
  readonly parentSpanContext?: { readonly spanId: string } | undefined
  spanContext(): { readonly traceId: string; readonly spanId: string }
}

/** What stands behind a span's name: a label and what it shows. Nothing is shown where that is `undefined`. */
export type Shown<S extends ShownSpan = ShownSpan> = Readonly<
  Record<string, string | ((span: S) => AttributeValue | undefined)>
>

/** The kind of a span, unless it is INTERNAL. */
export const kind = (span: ShownSpan): string | undefined =>
  span.kind === SpanKind.INTERNAL ? undefined : SpanKind[span.kind]

/** The types of a span's links, in their order. */
export const links = (span: ShownSpan): string | undefined =>
  span.links.length === 0 ? undefined : span.links.map((link) => link.attributes?.['runspan.link.type']).join('+')

/**
 * A trace as indented text: one line per span, in the order in which they started, `ERROR` behind a failed one. A span
 * whose parent is not there stands under `(missing)`.
 */
export function traceText<S extends ShownSpan>(spans: readonly S[], shown: Shown<S> = {}): string {
  const lines: { readonly left: string; readonly right: string }[] = []
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]))
  const childrenOf = (parent: string | undefined): readonly S[] =>
    spans.filter((span) => span.parentSpanContext?.spanId === parent)
  const add = (span: S, depth: number): void => {
    lines.push({ left: '  '.repeat(depth) + span.name, right: describe(span, shown) })
    for (const child of childrenOf(span.spanContext().spanId)) add(child, depth + 1)
  }
  for (const root of childrenOf(undefined)) add(root, 0)
  const orphans = spans.filter(
    (span) => span.parentSpanContext !== undefined && !byId.has(span.parentSpanContext.spanId),
  )
  if (orphans.length > 0) lines.push({ left: '(missing)', right: '' })
  for (const orphan of orphans) add(orphan, 1)
  const width = Math.max(0, ...lines.filter(({ right }) => right !== '').map(({ left }) => left.length))
  return lines.map(({ left, right }) => (right === '' ? left : `${left.padEnd(width)}  ${right}`)).join('\n')
}

function describe<S extends ShownSpan>(span: S, shown: Shown<S>): string {
  const parts: string[] = []
  for (const [label, what] of Object.entries(shown)) {
    const value = typeof what === 'string' ? span.attributes[what] : what(span)
    if (value !== undefined && value !== null) parts.push(`${label}=${value.toString()}`)
  }
  if (span.status.code === SpanStatusCode.ERROR) parts.push('ERROR')
  return parts.join(' ')
}

/** Compares a whole trace with the text that it should be, whatever its indentation as a whole and its columns. */
export function expectTrace(actual: string): { toBe(expected: string): void } {
  return { toBe: (expected) => expect(compact(actual)).toBe(compact(dedent(expected))) }
}

function compact(text: string): string {
  return text.replaceAll(/(\S) {2,}/g, '$1  ')
}

function dedent(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length))
  return lines.map((line) => line.slice(indent).trimEnd()).join('\n')
}
