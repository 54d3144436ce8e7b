import { SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'

import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  EVENT_EXCEPTION,
} from '../attributes.ts'
import { RunspanError } from '../errors.ts'
import { safeJson } from '../internal/safe-json.ts'
import { redacted } from './content.ts'
import { shared } from './shared.ts'

/** What can be said about anything that was thrown. */
export interface Failure {
  /** Class or code, for `error.type`. */
  readonly type: string
  readonly message: string
  readonly stack: string | undefined
  /** HTTP status of a failed call, where the thrown value carries one. */
  readonly statusCode: number | undefined
}

/** How something that was thrown ends a run. Cancelled is not an error. */
export type FailureKind = 'failed' | 'cancelled' | 'timeout'

const maxTypeLength = 256
const maxMessageLength = 8192
const maxStackLength = 16_384

/**
 * Describes a thrown value. Throws nothing, whatever its getters do: strings, plain objects, `undefined`, frozen and
 * hostile values all keep what can be read of them.
 */
export function describeFailure(thrown: unknown): Failure {
  try {
    return describe(thrown)
  } catch {
    return { type: typeof thrown, message: '[unreadable]', stack: undefined, statusCode: undefined }
  }
}

function describe(thrown: unknown): Failure {
  if (typeof thrown !== 'object' || thrown === null) {
    const type = thrown === null ? 'null' : typeof thrown
    return { type, message: cut(textOf(thrown), maxMessageLength), stack: undefined, statusCode: undefined }
  }
  const message = readString(thrown, 'message')
  const statusCode = readNumber(thrown, 'statusCode') ?? readNumber(thrown, 'status')
  return {
    type: cut(typeOf(thrown), maxTypeLength),
    message: cut(message ?? safeJson(thrown) ?? '', maxMessageLength),
    stack: cutMaybe(readString(thrown, 'stack'), maxStackLength),
    statusCode:
      statusCode !== undefined && Number.isInteger(statusCode) && statusCode >= 100 && statusCode < 600
        ? statusCode
        : undefined,
  }
}

/** Whether a thrown value means failure, cancellation or a passed deadline. */
export function kindOfFailure(thrown: unknown, signal: AbortSignal | undefined): FailureKind {
  const name = readString(thrown, 'name')
  if (name === 'TimeoutError') return 'timeout'
  if (name === 'AbortError' || (signal?.aborted === true && thrown !== undefined && thrown === signal.reason)) {
    // AbortSignal.timeout() aborts with a TimeoutError, but some clients turn every abort into an AbortError of theirs.
    return readString(signal?.aborted === true ? signal.reason : undefined, 'name') === 'TimeoutError'
      ? 'timeout'
      : 'cancelled'
  }
  return 'failed'
}

/** Marks a span as failed: status, `error.type`, one exception event. */
export function recordFailure(span: Span, thrown: unknown, kind: 'failed' | 'timeout'): Failure {
  const failure = describeFailure(thrown)
  const message = redacted(failure.message, 'status.message')
  span.setStatus(message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message })
  span.setAttribute(ATTR_ERROR_TYPE, kind === 'timeout' ? 'timeout' : failure.type)
  if (failure.statusCode !== undefined) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, failure.statusCode)
  const event: Attributes = { [ATTR_EXCEPTION_TYPE]: failure.type }
  const text = redacted(failure.message, ATTR_EXCEPTION_MESSAGE)
  if (text !== undefined) event[ATTR_EXCEPTION_MESSAGE] = text
  const stack = failure.stack === undefined ? undefined : redacted(failure.stack, ATTR_EXCEPTION_STACKTRACE)
  if (stack !== undefined) event[ATTR_EXCEPTION_STACKTRACE] = stack
  span.addEvent(EVENT_EXCEPTION, event)
  return failure
}

/** The most telling of name, class and code; `Error` says the least, so a code is preferred to it. */
function typeOf(thrown: object): string {
  if (RunspanError.is(thrown)) return thrown.code
  const name = readString(thrown, 'name')
  if (name !== undefined && name !== '' && name !== 'Error') return name
  const className = readString(read(thrown, 'constructor'), 'name')
  if (className !== undefined && className !== '' && className !== 'Error') return className
  return readString(thrown, 'code') ?? (name === 'Error' || className === 'Error' ? 'Error' : 'object')
}

function read(target: unknown, key: string): unknown {
  try {
    return target === null || target === undefined ? undefined : (target as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function readString(target: unknown, key: string): string | undefined {
  const value = read(target, key)
  return typeof value === 'string' ? value : undefined
}

function readNumber(target: unknown, key: string): number | undefined {
  const value = read(target, key)
  return typeof value === 'number' ? value : undefined
}

/** Text of anything that is no object; a function's `toString` may throw. */
function textOf(value: unknown): string {
  try {
    return typeof value === 'string' ? value : typeof value === 'bigint' ? `${value}n` : String(value)
  } catch {
    return '[unreadable]'
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}

function cutMaybe(text: string | undefined, length: number): string | undefined {
  return text === undefined ? undefined : cut(text, length)
}

/** Remembers which run a thrown object came out of; the innermost run stays. */
export function rememberRunOf(thrown: unknown, runId: string): void {
  const isObject = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function'
  const { runIdsOfErrors } = shared()
  if (isObject && !runIdsOfErrors.has(thrown)) runIdsOfErrors.set(thrown, runId)
}

/**
 * The run that an error came out of: the innermost, where it passed through several. `undefined` for errors of no run
 * and for thrown primitives, which `onEnd` serves. Works on frozen errors: nothing is written to them.
 */
export function runIdOf(error: unknown): string | undefined {
  return (typeof error === 'object' && error !== null) || typeof error === 'function'
    ? shared().runIdsOfErrors.get(error)
    : undefined
}
