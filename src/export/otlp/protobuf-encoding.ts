import { ByteWriter } from './byte-writer.ts'
import { EncodedSpan } from './encoded-span.ts'
import type { ExportableSpan } from './exportable-span.ts'
import { KeyTable } from './key-table.ts'
import { keyField } from './protobuf-attributes.ts'
import { writeResource, writeScope } from './protobuf-groups.ts'
import { protobufRequest, protobufRequestSize, usualHeadBytes } from './protobuf-request.ts'
import { writeSpan } from './protobuf-span.ts'
import type { SpanEncoding } from './span-encoding.ts'
import { SpanGroups } from './span-groups.ts'
import type { ValueFilter } from './value-filter.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'

/** OTLP as protobuf. */
export class ProtobufEncoding implements SpanEncoding {
  readonly contentType = 'application/x-protobuf'
  readonly request = protobufRequest
  readonly requestSizeBytes = protobufRequestSize
  readonly #writer = new ByteWriter()
  readonly #filter: ValueFilter
  readonly #keys: KeyTable<Uint8Array>
  readonly #groups: SpanGroups

  constructor(filter: ValueFilter) {
    this.#filter = filter
    this.#keys = new KeyTable(filter, keyField)
    this.#groups = new SpanGroups({
      resource: (resource) => this.#written((writer) => writeResource(writer, resource, this.#keys)),
      scope: (scope) => this.#written((writer) => writeScope(writer, scope, this.#keys)),
      schemaUrl: (schemaUrl) => filter.name(schemaUrl, 'schema_url'),
      empty: new Uint8Array(),
    })
  }

  encode(span: ExportableSpan): EncodedSpan | undefined {
    const resource = this.#groups.resourceOf(span)
    const scope = this.#groups.scopeOf(span)
    const writer = this.#writer
    this.#filter.begin(span)
    const start = writer.start(usualHeadBytes)
    if (!writeSpan(writer, span, this.#keys)) return undefined
    writer.head(otlpFields.scopeSpans.spans, start, usualHeadBytes)
    const chunk = writer.keep(start)
    return new EncodedSpan(resource, scope, this.#filter.truncatedCount, chunk, writer.keptStart, writer.keptEnd)
  }

  #written(write: (writer: ByteWriter) => void): Uint8Array {
    this.#filter.begin(undefined)
    this.#writer.start()
    write(this.#writer)
    return this.#writer.copy()
  }
}
