import type { Attributes, Span } from '@opentelemetry/api'

/**
 * Hands `write` the attributes of a span to write into.
 *
 * An SDK span keeps them in a plain object, which is written directly: that costs a tenth of `setAttribute` per key,
 * and neither the limit of 128 keys nor its drop of the newest touches a run's totals. Only numbers, booleans and
 * short strings may be written so, because nothing checks or cuts them. Any other span gets a `setAttributes`.
 *
 * @param knownKey a key that was given at the start: finding it proves that the object is the span's own store
 */
export function writeAttributes(span: Span, knownKey: string, write: (attributes: Attributes) => void): void {
  if (!span.isRecording()) return
  const store = (span as { attributes?: unknown }).attributes
  if (
    typeof store === 'object' &&
    store !== null &&
    Object.getPrototypeOf(store) === Object.prototype &&
    knownKey in store
  ) {
    write(store as Attributes)
    return
  }
  const attributes: Attributes = {}
  write(attributes)
  span.setAttributes(attributes)
}
