import type { Attributes, Span } from '@opentelemetry/api'

/**
 * The attributes of a recording span, to write into.
 *
 * An SDK span keeps them in a plain object, and writing there costs a tenth of `setAttribute` per key; neither the limit
 * of 128 keys nor its drop of the newest touches a run's totals. Only numbers, booleans and short strings may be
 * written so, because nothing checks or cuts them.
 *
 * @param knownKey a key that was given at the start: finding it proves that the object is the span's own store
 * @returns `undefined` where the span keeps its attributes elsewhere, or records none: then use `setAttributes`
 */
export function directAttributes(span: Span, knownKey: string): Attributes | undefined {
  const store = (span as { attributes?: unknown }).attributes
  if (typeof store !== 'object' || store === null || !span.isRecording()) return undefined
  return store.constructor === Object && knownKey in store ? (store as Attributes) : undefined
}
