/**
 * What becomes of the attributes of one key.
 *
 * - `pass`: they go out as they are. For ids.
 * - `check`: their texts pass {@link ValueFilter.text}.
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
  /** A value that is a text, or a text inside a value. */
  text(text: string, key: string): string
  /** A list, a map, or bytes. */
  value(value: object, key: string): unknown
  /** A name: of a span, an event, an attribute, a scope. */
  name(name: string, site: string): string
  /** A trace state: as it is, or empty. */
  traceState(text: string): string
}

/** A filter that lets everything through. */
export const unfiltered: ValueFilter = {
  ruleOf: () => 'pass',
  hidden: '',
  text: (text) => text,
  value: (value) => value,
  name: (name) => name,
  traceState: (text) => text,
}
