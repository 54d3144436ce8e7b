import type { ByteWriter } from './byte-writer.ts'
import type { ExportableAttributes } from './exportable-span.ts'
import { maxRememberedLength, type KeyEntry, type KeyTable } from './key-table.ts'

import { varintSize } from './put-bytes.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'

/** Levels of lists and maps inside a value. Decoders stop at 100 messages, and a map takes three of them per level. */
export const maxValueDepth = 24

/** Writes attributes as repeated `KeyValue`s. */
export function writeAttributes(
  writer: ByteWriter,
  tag: number,
  attributes: ExportableAttributes,
  keys: KeyTable<Uint8Array>,
): void {
  let entry = keys.first
  for (const key in attributes) {
    if (!Object.prototype.hasOwnProperty.call(attributes, key)) continue
    entry = keys.after(entry, key)
    if (entry.rule === 'leave_out') continue
    const value = attributes[key]
    if (typeof value === 'string' && value.length <= maxRememberedLength) {
      writeShortText(writer, tag, entry, value, keys)
    } else writeAttribute(writer, tag, entry, value, keys)
  }
}

/**
 * Most texts are short and come again with the next span: names of models, operations, hosts. Then what was written
 * last time is copied, which also spares its redaction.
 */
function writeShortText(
  writer: ByteWriter,
  tag: number,
  entry: KeyEntry<Uint8Array>,
  text: string,
  keys: KeyTable<Uint8Array>,
): void {
  if (text !== entry.lastText) {
    entry.lastText = text
    entry.lastAttribute = undefined
    writeAttribute(writer, tag, entry, text, keys)
    return
  }
  if (entry.lastAttribute !== undefined) {
    writer.tag(tag)
    writer.raw(entry.lastAttribute)
    return
  }
  const { position } = writer
  writeAttribute(writer, tag, entry, text, keys)
  entry.lastAttribute = writer.copySince(position + 1)
}

function writeAttribute(
  writer: ByteWriter,
  tag: number,
  entry: KeyEntry<Uint8Array>,
  original: unknown,
  keys: KeyTable<Uint8Array>,
): void {
  let value = original
  if (entry.rule !== 'pass') {
    if (entry.rule === 'hide') value = keys.filter.hidden
    else if (typeof value === 'string') value = keys.filter.text(value, entry.key)
    else if (typeof value === 'object' && value !== null) value = keys.filter.value(value, entry.key)
  }
  if (typeof value === 'string') {
    writer.textAttribute(tag, entry.field, value)
    return
  }
  const { position } = writer
  writer.tag(tag)
  const start = writer.startMessage()
  writer.raw(entry.field)
  writer.tag(otlpFields.keyValue.value)
  const valueStart = writer.startMessage()
  writeValue(writer, value, 0)
  if (writer.position - valueStart > keys.filter.maxValueSizeBytes) {
    writer.rewind(position)
    writer.textAttribute(tag, entry.field, keys.filter.shrunk(value, entry.key))
    return
  }
  writer.endMessage(valueStart)
  writer.endMessage(start)
}

/** Writes what is inside an `AnyValue`: nothing for null, and for what OTLP has no kind for. */
function writeValue(writer: ByteWriter, value: unknown, depth: number): void {
  if (typeof value === 'string') {
    writer.tag(otlpFields.anyValue.string)
    writer.text(value)
  } else if (typeof value === 'number') writeNumber(writer, value)
  else if (typeof value === 'boolean') {
    writer.tag(otlpFields.anyValue.bool)
    writer.byte(value ? 1 : 0)
  } else if (typeof value === 'object' && value !== null && depth < maxValueDepth) writeObject(writer, value, depth + 1)
}

/** JavaScript does not tell 1 from 1.0: what is whole and fits goes out as an integer, as from every exporter. */
function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
    writer.tag(otlpFields.anyValue.int)
    writer.int64(value)
  } else {
    writer.tag(otlpFields.anyValue.double)
    writer.double(value)
  }
}

function writeObject(writer: ByteWriter, value: object, depth: number): void {
  if (value instanceof Uint8Array) {
    writer.tag(otlpFields.anyValue.bytes)
    writer.bytes(value)
    return
  }
  const isList = Array.isArray(value)
  writer.tag(isList ? otlpFields.anyValue.list : otlpFields.anyValue.map)
  const start = writer.startMessage()
  if (isList) writeList(writer, value, depth)
  else writeMap(writer, value as Readonly<Record<string, unknown>>, depth)
  writer.endMessage(start)
}

function writeList(writer: ByteWriter, list: readonly unknown[], depth: number): void {
  // By index: a list with holes has nulls there.
  for (let index = 0; index < list.length; index++) {
    writer.tag(otlpFields.values.values)
    const start = writer.startMessage()
    writeValue(writer, list[index], depth)
    writer.endMessage(start)
  }
}

function writeMap(writer: ByteWriter, map: Readonly<Record<string, unknown>>, depth: number): void {
  for (const key in map) {
    if (!Object.hasOwn(map, key)) continue
    writer.tag(otlpFields.values.values)
    const start = writer.startMessage()
    writer.tag(otlpFields.keyValue.key)
    writer.text(key)
    writer.tag(otlpFields.keyValue.value)
    const valueStart = writer.startMessage()
    writeValue(writer, map[key], depth)
    writer.endMessage(valueStart)
    writer.endMessage(start)
  }
}

/** The field `KeyValue.key`, with tag and length. */
export function keyField(text: string): Uint8Array {
  const key = Buffer.from(text, 'utf8')
  const size: number[] = []
  for (let rest = key.length, left = varintSize(key.length); left > 0; left--) {
    size.push(left > 1 ? (rest & 0x7f) | 0x80 : rest)
    rest >>>= 7
  }
  return Uint8Array.from([otlpFields.keyValue.key, ...size, ...key])
}
