import type { Attributes } from '@opentelemetry/api'

import type { EndedSpanLike } from './sampled-span.ts'

/** What a span without attributes keeps in memory, measured at about 900 bytes with eight short ones. */
const bareSpanBytes = 500
const perAttributeBytes = 16

/** Roughly how much memory a span holds: texts are what makes spans large. */
export function roughSizeBytes(span: EndedSpanLike): number {
  let sizeBytes = bareSpanBytes + attributesBytes(span.attributes)
  for (const event of span.events) {
    sizeBytes += bareSpanBytes / 5
    if (event.attributes !== undefined) sizeBytes += attributesBytes(event.attributes)
  }
  return sizeBytes
}

function attributesBytes(attributes: Attributes): number {
  let sizeBytes = 0
  for (const key in attributes) {
    const value = attributes[key]
    sizeBytes += perAttributeBytes
    if (typeof value === 'string') sizeBytes += value.length
    else if (Array.isArray(value))
      for (const entry of value) sizeBytes += typeof entry === 'string' ? entry.length + 8 : 8
  }
  return sizeBytes
}
