import type { StoredValue } from '../stored-span.ts'
import { int64Of, objectAt, objectOf, objectsAt, textAt, type JsonObject } from './json-fields.ts'
import { malformed } from './otlp-error.ts'
import { deeper, integerOf, putAttribute, type MutableAttributes, type SpanBatch } from './span-batch.ts'

/** Reads the `KeyValue`s under a key of an object. */
export function attributesAt(object: JsonObject, key: string, batch: SpanBatch, depth = 0): MutableAttributes {
  const attributes: MutableAttributes = {}
  for (const pair of objectsAt(object, key)) {
    batch.countItem()
    putAttribute(attributes, textAt(pair, 'key'), valueOf(objectAt(pair, 'value'), batch, depth))
  }
  return attributes
}

/** Reads an `AnyValue`: the first of its fields that is there. */
function valueOf(value: JsonObject, batch: SpanBatch, depth: number): StoredValue {
  if (isThere(value['stringValue'])) return textAt(value, 'stringValue')
  if (isThere(value['intValue'])) {
    const integer = int64Of(value['intValue'], 'intValue')
    return typeof integer === 'bigint' ? integerOf(integer) : integer
  }
  if (isThere(value['doubleValue'])) return doubleOf(value['doubleValue'])
  if (isThere(value['boolValue'])) return booleanOf(value['boolValue'])
  if (isThere(value['arrayValue'])) return listOf(objectAt(value, 'arrayValue'), batch, deeper(depth))
  if (isThere(value['kvlistValue'])) {
    return attributesAt(objectAt(value, 'kvlistValue'), 'values', batch, deeper(depth))
  }
  if (isThere(value['bytesValue'])) return Uint8Array.from(Buffer.from(textAt(value, 'bytesValue'), 'base64'))
  return null
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}

function listOf(list: JsonObject, batch: SpanBatch, depth: number): StoredValue[] {
  const values = list['values'] ?? []
  if (!Array.isArray(values)) throw malformed('the values of a list are no list')
  return values.map((value) => {
    batch.countItem()
    // JavaScript's exporter leaves holes in a list as empty values, others as null.
    return isThere(value) ? valueOf(objectOf(value, 'a value of a list'), batch, depth) : null
  })
}

/** JSON has no NaN and no infinity: protobuf writes them as strings. */
function doubleOf(value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof number !== 'number' || (Number.isNaN(number) && value !== 'NaN')) {
    throw malformed('doubleValue is no number')
  }
  return number
}

function booleanOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw malformed('boolValue is no boolean')
  return value
}
