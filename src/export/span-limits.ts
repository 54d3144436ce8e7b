import { readNumber, type Environment } from './environment.ts'
import type { SpanLimits } from './trace-sdk.ts'

/** Per limit, the variables that may hold it; the first one set wins: a span's own before the general one. */
const variablesOfLimit: Readonly<Record<keyof SpanLimits, readonly string[]>> = {
  attributeCountLimit: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'],
  attributeValueLengthLimit: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
  eventCountLimit: ['OTEL_SPAN_EVENT_COUNT_LIMIT'],
  linkCountLimit: ['OTEL_SPAN_LINK_COUNT_LIMIT'],
  // The specification and opentelemetry-js 2.x call these two by different names.
  attributePerEventCountLimit: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT'],
  attributePerLinkCountLimit: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT'],
}

/** The limits that the environment sets; the SDK has defaults for the others. */
export function spanLimitsFrom(environment: Environment): SpanLimits {
  const limits: { -readonly [Limit in keyof SpanLimits]: number } = {}
  for (const [limit, variables] of Object.entries(variablesOfLimit) as [keyof SpanLimits, readonly string[]][]) {
    for (const variable of variables) {
      const value = readNumber(environment, variable, 0)
      if (value === undefined) continue
      limits[limit] = value
      break
    }
  }
  return limits
}
