import { ByteWriter } from './byte-writer.ts'
import type { EncodedSpan } from './encoded-span.ts'
import type { ExportableSpan } from './exportable-span.ts'
import { KeyTable } from './key-table.ts'
import { writeResource, writeScope } from './protobuf-groups.ts'
import { writeSpan } from './protobuf-span.ts'
import { SpanGroups } from './span-groups.ts'
import type { ValueFilter } from './value-filter.ts'

/** Encodes spans as protobuf. */
export class ProtobufSpans {
  readonly #writer = new ByteWriter()
  readonly #keys: KeyTable
  readonly #groups: SpanGroups

  constructor(filter: ValueFilter) {
    this.#keys = new KeyTable(filter)
    this.#groups = new SpanGroups({
      resource: (resource) => this.#written((writer) => writeResource(writer, resource, this.#keys)),
      scope: (scope) => this.#written((writer) => writeScope(writer, scope, this.#keys)),
      schemaUrl: (schemaUrl) => filter.name(schemaUrl, 'schema_url'),
    })
  }

  /** @throws what the span throws when it is read */
  encode(span: ExportableSpan): EncodedSpan | undefined {
    const resource = this.#groups.resourceOf(span)
    const scope = this.#groups.scopeOf(span)
    const writer = this.#writer
    writer.start()
    if (!writeSpan(writer, span, this.#keys)) return undefined
    return { resource, scope, bytes: writer.finish(), truncatedCount: 0 }
  }

  #written(write: (writer: ByteWriter) => void): Uint8Array {
    this.#writer.start()
    write(this.#writer)
    return Uint8Array.from(this.#writer.finish())
  }
}
