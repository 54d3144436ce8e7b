import type { ByteWriter } from './byte-writer.ts'
import type { ExportableResource, ExportableScope } from './exportable-span.ts'
import type { KeyTable } from './key-table.ts'
import { writeAttributes } from './protobuf-attributes.ts'
import { writeCount, writeText } from './protobuf-span.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'

/** Writes a `Resource` message. */
export function writeResource(writer: ByteWriter, resource: ExportableResource, keys: KeyTable<Uint8Array>): void {
  writeAttributes(writer, otlpFields.resource.attributes, resource.attributes, keys)
}

/** Writes an `InstrumentationScope` message. */
export function writeScope(writer: ByteWriter, scope: ExportableScope, keys: KeyTable<Uint8Array>): void {
  writeText(writer, otlpFields.scope.name, keys.filter.name(scope.name, 'scope.name'))
  if (scope.version !== undefined) {
    writeText(writer, otlpFields.scope.version, keys.filter.name(scope.version, 'scope.version'))
  }
  if (scope.attributes !== undefined) writeAttributes(writer, otlpFields.scope.attributes, scope.attributes, keys)
  writeCount(writer, otlpFields.scope.droppedAttributesCount, scope.droppedAttributesCount)
}
