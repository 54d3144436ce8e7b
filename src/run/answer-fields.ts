import type { UsageDetails } from './types.ts'
import type { CallUsage, FoundDetails } from './usage-attributes.ts'

/** A model's answer is somebody else's object: every field may hold anything. */
export type Fields = Readonly<Record<string, unknown>>

/** Usage as one provider's reader finds it, with input and output as totals. */
export interface ReadUsage extends Omit<CallUsage, keyof UsageDetails | 'model' | 'provider'> {
  readonly details?: UsageDetails | undefined
}

/** The value as an object, where it is one. */
export function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined
}

/** The value as a count, where it is one. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined
}

/** The value as a count above zero: what a detail must be to say anything. */
export function someOf(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

/** The value as text, where it is one that says anything. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Details without the names that hold nothing; `undefined` where none does, as with most calls. */
export function foundDetails(details: FoundDetails): UsageDetails | undefined {
  let found: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(details)) if (value !== undefined) (found ??= {})[name] = value
  return found
}
