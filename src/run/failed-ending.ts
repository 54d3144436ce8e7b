import { SpanStatusCode, type Span } from '@opentelemetry/api'

import { ATTR_ERROR_TYPE } from '../attributes.ts'
import { redacted } from './content.ts'
import { recordFailure } from './failure.ts'
import type { Ending } from './run-part.ts'

/** What a failed part says of itself on its root. */
export interface WrittenFailure {
  readonly errorType: string
  readonly message: string | undefined
}

/** Status, `error.type` and, where something was thrown, the exception event of a part that failed. */
export function writeFailedEnding(span: Span, { status, reason, failure }: Ending): WrittenFailure {
  if (failure !== undefined && (status === 'failed' || status === 'timeout')) {
    const described = recordFailure(span, failure.error, status)
    return {
      errorType: status === 'timeout' ? 'timeout' : described.type,
      message: redacted(described.message, 'status.message'),
    }
  }
  // Nothing was thrown. `_OTHER` is the conventions' word for a failure without a class.
  const errorType = status === 'failed' ? '_OTHER' : status
  const message = reason === undefined ? undefined : redacted(reason, 'status.message')
  span.setAttribute(ATTR_ERROR_TYPE, errorType)
  span.setStatus(message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message })
  return { errorType, message }
}
