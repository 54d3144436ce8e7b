import { diag } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'

import { spanLimitsFrom } from '../../src/export/span-limits.ts'
import { recordDiag } from './registered.ts'

afterEach(() => diag.disable())

it('reads the limits by the names of the specification and by those of opentelemetry-js, a span’s own first', () => {
  expect(spanLimitsFrom({})).toEqual({})
  expect(
    spanLimitsFrom({
      OTEL_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '2',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '4',
      OTEL_SPAN_LINK_COUNT_LIMIT: '0',
      OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '5',
      OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT: '6',
    }),
  ).toEqual({
    attributeCountLimit: 2,
    attributeValueLengthLimit: 3,
    eventCountLimit: 4,
    linkCountLimit: 0,
    attributePerEventCountLimit: 5,
    attributePerLinkCountLimit: 6,
  })
})

it('names a limit that is no number, and goes on without it', () => {
  const { warnings } = recordDiag()
  expect(spanLimitsFrom({ OTEL_SPAN_LINK_COUNT_LIMIT: 'few', OTEL_SPAN_EVENT_COUNT_LIMIT: '-1' })).toEqual({})
  expect(warnings.join()).toMatch(/EVENT_COUNT_LIMIT=-1 is ignored.*LINK_COUNT_LIMIT=few is ignored/)
})
