import type { EncodedGroup, EncodedSpan } from './encoded-span.ts'
import { varintSize } from './put-bytes.ts'
import { groupSpans } from './span-groups.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'

/** An `ExportTraceServiceRequest` of spans that are encoded already. */
export function protobufRequest(spans: readonly EncodedSpan[]): Uint8Array {
  const resources = measure(spans)
  let sizeBytes = 0
  for (const resource of resources) sizeBytes += fieldSize(resource.size)
  const request = new Request(sizeBytes)
  for (const resource of resources) {
    request.head(otlpFields.request.resourceSpans, resource.size)
    request.field(otlpFields.resourceSpans.resource, resource.bytes)
    for (const scope of resource.scopes) {
      request.head(otlpFields.resourceSpans.scopeSpans, scope.size)
      request.field(otlpFields.scopeSpans.scope, scope.group.bytes)
      request.spans(scope.spans)
      request.text(otlpFields.scopeSpans.schemaUrl, scope.group.schemaUrl)
    }
    request.text(otlpFields.resourceSpans.schemaUrl, resource.schemaUrl)
  }
  return request.bytes
}

/**
 * How many bytes tag and length of a span take in a request, where it has 128 to 16 383 bytes as most have. In front of
 * such a span they stand in its chunk, too, so that spans that follow each other there and here are copied at once.
 */
export const usualHeadBytes = 3

function areNeighbours(one: EncodedSpan, next: EncodedSpan): boolean {
  return (
    one.chunk === next.chunk &&
    one.end + usualHeadBytes === next.start &&
    1 + varintSize(next.sizeBytes) === usualHeadBytes
  )
}

/** How long {@link protobufRequest} is, in bytes. */
export function protobufRequestSize(spans: readonly EncodedSpan[]): number {
  let sizeBytes = 0
  for (const resource of measure(spans)) sizeBytes += fieldSize(resource.size)
  return sizeBytes
}

interface MeasuredScope {
  readonly group: EncodedGroup
  readonly spans: readonly EncodedSpan[]
  readonly size: number
}

interface MeasuredResource {
  readonly bytes: Uint8Array
  readonly schemaUrl: string
  readonly scopes: readonly MeasuredScope[]
  readonly size: number
}

/** Lengths stand in front of what they measure, so all of them are known before the first byte is written. */
function measure(spans: readonly EncodedSpan[]): readonly MeasuredResource[] {
  return Array.from(groupSpans(spans), ([resource, groups]) => {
    // Read once: it changes while detectors are at work.
    const { bytes, schemaUrl } = resource
    let size = fieldSize(bytes.length) + textSize(schemaUrl)
    const scopes = Array.from(groups, ([group, members]) => {
      let scopeSize = fieldSize(group.bytes.length) + textSize(group.schemaUrl)
      for (const span of members) scopeSize += fieldSize(span.sizeBytes)
      size += fieldSize(scopeSize)
      return { group, spans: members, size: scopeSize }
    })
    return { bytes, schemaUrl, scopes, size }
  })
}

/** A field with a tag of one byte and `length` bytes after its length. */
function fieldSize(length: number): number {
  return 1 + varintSize(length) + length
}

function textSize(text: string): number {
  return text === '' ? 0 : fieldSize(Buffer.byteLength(text))
}

/** The buffer of one request, exactly as long as it gets. */
class Request {
  readonly bytes: Buffer
  #position = 0

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes)
  }

  head(tag: number, length: number): void {
    this.bytes[this.#position++] = tag
    let rest = length
    while (rest > 0x7f) {
      this.bytes[this.#position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.#position++] = rest
  }

  field(tag: number, value: Uint8Array): void {
    this.head(tag, value.length)
    this.bytes.set(value, this.#position)
    this.#position += value.length
  }

  spans(spans: readonly EncodedSpan[]): void {
    let index = 0
    while (index < spans.length) {
      const first = spans[index]!
      let last = first
      while (++index < spans.length && areNeighbours(last, spans[index]!)) last = spans[index]!
      this.head(otlpFields.scopeSpans.spans, first.sizeBytes)
      this.bytes.set(first.chunk.subarray(first.start, last.end), this.#position)
      this.#position += last.end - first.start
    }
  }

  text(tag: number, text: string): void {
    if (text !== '') this.field(tag, Buffer.from(text))
  }
}
