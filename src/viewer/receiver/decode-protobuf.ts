import { malformed, OtlpError } from '../../query/otlp/otlp-error.ts'
import { readAttribute } from './protobuf-attributes.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'
import { readMessage } from './read-message.ts'
import { readSpan } from './protobuf-span.ts'
import { SpanBatch, type MutableResource, type MutableScope } from '../../query/otlp/span-batch.ts'

/**
 * Decodes an `ExportTraceServiceRequest` from protobuf.
 *
 * @throws {@link OtlpError} `malformed` where the bytes are something else, `too_much` where they are too many things
 */
export function decodeProtobuf(bytes: Uint8Array): SpanBatch {
  return decodeWith(new SpanBatch(), bytes, otlpFields.request.resourceSpans, readResourceSpans)
}

/** Decodes a request of one kind of part. @throws {@link OtlpError} */
export function decodeWith(
  batch: SpanBatch,
  bytes: Uint8Array,
  part: number,
  read: (bytes: Uint8Array, batch: SpanBatch) => void,
): SpanBatch {
  try {
    readMessage(bytes, (tag, reader) => {
      if (tag !== part) return false
      read(reader.bytes(), batch)
      return true
    })
  } catch (error) {
    // The reader throws plain errors and range errors where bytes are missing or make no sense.
    throw error instanceof OtlpError ? error : malformed('the protobuf is cut off or damaged', error)
  }
  return batch
}

function readResourceSpans(bytes: Uint8Array, batch: SpanBatch): void {
  // Fields come in any order: spans that are read first see the attributes that are filled in later.
  const resource: MutableResource = { attributes: {} }
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.resourceSpans.resource) readResource(reader.bytes(), resource, batch)
    else if (tag === otlpFields.resourceSpans.scopeSpans) readScopeSpans(reader.bytes(), resource, batch)
    else return false
    return true
  })
}

/** Reads a `Resource`. */
export function readResource(bytes: Uint8Array, resource: MutableResource, batch: SpanBatch): void {
  readMessage(bytes, (tag, reader) => {
    if (tag !== otlpFields.resource.attributes) return false
    readAttribute(reader.bytes(), resource.attributes, batch)
    return true
  })
}

function readScopeSpans(bytes: Uint8Array, resource: MutableResource, batch: SpanBatch): void {
  const scope: MutableScope = { name: '' }
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.scopeSpans.scope) readScope(reader.bytes(), scope)
    else if (tag === otlpFields.scopeSpans.spans) readSpan(reader.bytes(), resource, scope, batch)
    else return false
    return true
  })
}

/** Reads an `InstrumentationScope`. */
export function readScope(bytes: Uint8Array, scope: MutableScope): void {
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.scope.name) scope.name = reader.string()
    else if (tag === otlpFields.scope.version) {
      const version = reader.string()
      if (version !== '') scope.version = version
    } else return false
    return true
  })
}
