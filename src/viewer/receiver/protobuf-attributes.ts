import type { StoredValue } from '../../query/stored-span.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'
import { readMessage } from './read-message.ts'
import { deeper, integerOf, putAttribute, type MutableAttributes, type SpanBatch } from '../../query/otlp/span-batch.ts'

/** Reads one `KeyValue` into `attributes`. */
export function readAttribute(bytes: Uint8Array, attributes: MutableAttributes, batch: SpanBatch, depth = 0): void {
  batch.countItem()
  let key = ''
  let value: StoredValue = null
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.keyValue.key) key = reader.string()
    else if (tag === otlpFields.keyValue.value) value = readValue(reader.bytes(), batch, depth)
    else return false
    return true
  })
  putAttribute(attributes, key, value)
}

function readValue(bytes: Uint8Array, batch: SpanBatch, depth: number): StoredValue {
  let value: StoredValue = null
  readMessage(bytes, (tag, reader) => {
    if (tag === otlpFields.anyValue.string) value = reader.string()
    else if (tag === otlpFields.anyValue.int) value = integerOf(BigInt(reader.int64()))
    else if (tag === otlpFields.anyValue.double) value = reader.double()
    else if (tag === otlpFields.anyValue.bool) value = reader.bool()
    else if (tag === otlpFields.anyValue.list) value = readList(reader.bytes(), batch, deeper(depth))
    else if (tag === otlpFields.anyValue.map) value = readMap(reader.bytes(), batch, deeper(depth))
    // A copy: a view would keep the whole request in memory for as long as the span.
    else if (tag === otlpFields.anyValue.bytes) value = Uint8Array.from(reader.bytes())
    else return false
    return true
  })
  return value
}

function readList(bytes: Uint8Array, batch: SpanBatch, depth: number): StoredValue[] {
  const values: StoredValue[] = []
  readMessage(bytes, (tag, reader) => {
    if (tag !== otlpFields.values.values) return false
    batch.countItem()
    values.push(readValue(reader.bytes(), batch, depth))
    return true
  })
  return values
}

function readMap(bytes: Uint8Array, batch: SpanBatch, depth: number): MutableAttributes {
  const map: MutableAttributes = {}
  readMessage(bytes, (tag, reader) => {
    if (tag !== otlpFields.values.values) return false
    readAttribute(reader.bytes(), map, batch, depth)
    return true
  })
  return map
}
