import type { StoredSpan, StoredSpanKind, StoredStatus, StoredValue } from '../stored-span.ts'
import { malformed, OtlpError } from './otlp-error.ts'

/** Levels of lists and maps that an attribute's value may have. Beyond it a value is an attack, not an attribute. */
const maxValueDepth = 64

/**
 * Spans, attributes, events, links and list elements that one request may have. A decoded item takes a hundred times
 * the two bytes that an empty one takes on the wire, so a limit on bytes alone would not bound the memory.
 */
export const maxItems = 1_000_000

const traceIdPattern = /^(?!0{32})[0-9a-f]{32}$/
const spanIdPattern = /^(?!0{16})[0-9a-f]{16}$/

/** What the decoders of both encodings put the spans of one request into. */
export class SpanBatch {
  readonly spans: StoredSpan[] = []
  /** Spans without a trace id and span id of their own: nothing could be found by them. */
  rejectedCount = 0
  readonly #mostItems: number
  #items = 0

  /** @param mostItems spans, attributes, events, links and list elements that are taken */
  constructor(mostItems = maxItems) {
    this.#mostItems = mostItems
  }

  /**
   * Counts something that is about to be decoded.
   *
   * @throws {@link OtlpError} `too_much` past what was given to the constructor
   */
  countItem(): void {
    if (++this.#items > this.#mostItems) {
      throw new OtlpError(
        'too_much',
        `A request may have at most ${this.#mostItems} spans, attributes, events and links together.`,
      )
    }
  }

  /** Takes a span, or counts it as rejected: one bad id must not cost the batch it is in. */
  add(span: StoredSpan): void {
    const isValid = traceIdPattern.test(span.traceId) && spanIdPattern.test(span.spanId)
    if (isValid) this.spans.push(span)
    else this.rejectedCount++
  }
}

/** A parent as it was sent; an empty or zero id says that there is none. */
export function parentOf(spanId: string | undefined): { parentSpanId: string } | undefined {
  return spanId !== undefined && spanIdPattern.test(spanId) ? { parentSpanId: spanId } : undefined
}

/** A trace state, where one was sent. */
export function traceStateOf(text: string | undefined): { traceState: string } | undefined {
  return text === undefined || text === '' ? undefined : { traceState: text }
}

const kinds: readonly StoredSpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

/** The kind behind a number of the wire. A number from a later version is no kind we know. */
export function kindOf(number: number): StoredSpanKind {
  return kinds[number] ?? 'unspecified'
}

const statusCodes: readonly StoredStatus['code'][] = ['unset', 'ok', 'error']

/** A status from its parts. */
export function statusOf(code: number, message: string | undefined): StoredStatus {
  const status = { code: statusCodes[code] ?? ('unset' as const) }
  return message === undefined || message === '' ? status : { ...status, message }
}

/** An int64 as a number where that is exact, else as it is. */
export function integerOf(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Attributes under construction. */
export type MutableAttributes = Record<string, StoredValue>

/** A resource under construction. */
export interface MutableResource {
  readonly attributes: MutableAttributes
}

/** A scope under construction. */
export interface MutableScope {
  name: string
  version?: string
}

/** Sets an attribute; the key `__proto__` too, which an assignment would take for the object's prototype. */
export function putAttribute(attributes: MutableAttributes, key: string, value: StoredValue): void {
  if (key === '__proto__') {
    Object.defineProperty(attributes, key, { value, enumerable: true, configurable: true, writable: true })
  } else attributes[key] = value
}

/** One level further into a value. */
export function deeper(depth: number): number {
  if (depth >= maxValueDepth) throw malformed(`a value is nested more than ${maxValueDepth} levels deep`)
  return depth + 1
}
