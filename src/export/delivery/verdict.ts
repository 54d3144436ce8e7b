import { readErrorMessage, readExportResponse } from '../otlp/read-export-response.ts'
import { retryAfterMillis } from './retry-after.ts'
import type { Answer } from './transport.ts'

/**
 * What an answer means for the spans that were sent.
 *
 * - `delivered`: they are there; `rejectedSpans` of them the server took and threw away (a partial success).
 * - `retry`: the destination is down or busy; the same request may be sent again, after `afterMillis` where it said so.
 * - `held`: nothing can be delivered until somebody changes a setting, here or there. No span is at fault.
 * - `too_large`: smaller requests may pass.
 * - `refused`: something in the request cannot be taken; without it the rest may pass.
 */
export type Verdict =
  | { readonly kind: 'delivered'; readonly rejectedSpans: number; readonly reason: string }
  | (Failure & { readonly kind: 'retry'; readonly afterMillis: number | undefined })
  | (Failure & { readonly kind: 'held' | 'too_large' | 'refused' })

interface Failure {
  /** Nothing where no answer came. */
  readonly status: number | undefined
  readonly reason: string
}

/** The specification's retryable statuses (OTLP 1.x, "Failures"). */
const retryable = new Set([429, 502, 503, 504])
/** Statuses that speak of the address, the credentials or the encoding, and of no span. */
const settings = new Set([401, 403, 404, 405, 407, 415])
/** The Collector's OTLP/HTTP receiver answers 400 with this text where the specification says 413. */
const tooLargeText = /too large|too big|larger than|size limit|exceeds/i
/** As much of a server's own words as a message repeats. */
const longestReason = 200

/** @param sentSpans how many spans the request had: no more can be rejected */
export function verdictOf(answer: Answer, sentSpans: number, nowUnixMillis: number): Verdict {
  if (answer.kind === 'lost') return { kind: 'retry', status: undefined, afterMillis: undefined, reason: answer.reason }
  const { status, body } = answer
  if (status >= 200 && status < 300) {
    const { rejectedSpans, errorMessage } = readExportResponse(body)
    return { kind: 'delivered', rejectedSpans: Math.min(rejectedSpans, sentSpans), reason: errorMessage }
  }
  const reason = described(status, body)
  if (retryable.has(status)) {
    return { kind: 'retry', status, afterMillis: retryAfterMillis(answer.retryAfter, nowUnixMillis), reason }
  }
  if (status >= 300 && status < 400) {
    return { kind: 'held', status, reason: `${reason}, to ${answer.location ?? 'nowhere'}` }
  }
  if (settings.has(status)) return { kind: 'held', status, reason }
  if (status === 413 || (status === 400 && tooLargeText.test(reason))) return { kind: 'too_large', status, reason }
  return { kind: 'refused', status, reason }
}

/** The status and what the server wrote, in one line. */
function described(status: number, body: Uint8Array): string {
  const text = readErrorMessage(body).replaceAll(/\s+/g, ' ').slice(0, longestReason)
  return text === '' ? `HTTP ${status}` : `HTTP ${status}: ${text}`
}
