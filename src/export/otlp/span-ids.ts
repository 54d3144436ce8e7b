const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/i
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/i

/**
 * Whether ids can be sent. The SDK lets links through unchecked, and receivers refuse a whole request for one id of a
 * wrong length.
 */
export function areValidIds(traceId: string, spanId: string): boolean {
  return isValidTraceId(traceId) && isValidSpanId(spanId)
}

let lastTraceId = ''

function isValidTraceId(traceId: string): boolean {
  // Spans come trace by trace, and share the string.
  if (traceId === lastTraceId) return true
  if (!traceIdPattern.test(traceId)) return false
  lastTraceId = traceId
  return true
}

/** Whether a span id can be sent. */
export function isValidSpanId(spanId: string): boolean {
  return spanIdPattern.test(spanId)
}

const hasIsRemote = 0x100
const isRemoteFlag = 0x200

/** The `flags` of a span or link: W3C's eight bits, and whether the context came from elsewhere. */
export function otlpFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | hasIsRemote | (isRemote === true ? isRemoteFlag : 0)
}
