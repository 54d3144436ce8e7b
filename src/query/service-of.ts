import { textAt } from './attribute-values.ts'
import type { StoredSpan } from './stored-span.ts'

/** Name of the service that made a span, as its resource says it. The SDK's `unknown_service` is no name. */
export function serviceOf(span: StoredSpan): string | undefined {
  const name = textAt(span.resource.attributes, 'service.name')
  return name === undefined || name.startsWith('unknown_service') ? undefined : name
}
