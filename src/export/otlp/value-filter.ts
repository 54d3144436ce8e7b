import type { ExportableSpan } from './exportable-span.ts'

/**
 * What becomes of the attributes of one key.
 *
 * - `pass`: they go out as they are. For ids.
 * - `check`: they pass {@link ValueFilter.text} or {@link ValueFilter.value}.
 * - `hide`: a marker goes out in place of the value.
 * - `leave_out`: neither key nor value goes out.
 */
export type KeyRule = 'pass' | 'check' | 'hide' | 'leave_out'

/** What redaction and budgets do to names and values on their way into the bytes of one destination. */
export interface ValueFilter {
  /** Asked once per key, then remembered. */
  ruleOf(key: string): KeyRule
  /** What goes out in place of a hidden value. */
  readonly hidden: string
  /** The most that a list, a map or bytes may take; larger ones pass {@link shrunk}. */
  readonly maxValueSizeBytes: number
  /** Called before a span, and before a resource or a scope without one. */
  begin(span: ExportableSpan | undefined): void
  /** A value that is a text. */
  text(text: string, key: string): string
  /** A list, a map, or bytes. */
  value(value: object, key: string): unknown
  /** What goes out for a list, a map or bytes that are too large. */
  shrunk(value: unknown, key: string): string
  /** A name: of a span, an event, an attribute, a scope. */
  name(name: string, site: string): string
  /** A trace state: as it is, or empty. */
  traceState(text: string): string
  /** How many values were shortened since {@link begin}. */
  readonly truncatedCount: number
}
