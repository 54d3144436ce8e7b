import type { ExportableAttributes } from './exportable-span.ts'
import { jsonText } from './json-text.ts'
import { maxRememberedLength, type KeyEntry, type KeyTable } from './key-table.ts'
import { maxValueDepth } from './protobuf-attributes.ts'

/** Attributes as a list of `KeyValue`s. */
export function attributesJson(attributes: ExportableAttributes, keys: KeyTable<string>): string {
  let json = ''
  let entry = keys.first
  for (const key in attributes) {
    if (!Object.prototype.hasOwnProperty.call(attributes, key)) continue
    entry = keys.after(entry, key)
    if (entry.rule === 'leave_out') continue
    const value = attributes[key]
    const attribute =
      typeof value === 'string' && value.length <= maxRememberedLength
        ? shortText(entry, value, keys)
        : attributeJson(entry, value, keys)
    json += json === '' ? attribute : `,${attribute}`
  }
  return `[${json}]`
}

/** The field of a key, which the value follows. */
export function keyJson(key: string): string {
  return `{"key":${JSON.stringify(key)},"value":`
}

/** Most texts are short and come again with the next span; see the protobuf encoding. */
function shortText(entry: KeyEntry<string>, text: string, keys: KeyTable<string>): string {
  if (text !== entry.lastText) {
    entry.lastText = text
    entry.lastAttribute = undefined
    return attributeJson(entry, text, keys)
  }
  entry.lastAttribute ??= attributeJson(entry, text, keys)
  return entry.lastAttribute
}

function attributeJson(entry: KeyEntry<string>, original: unknown, keys: KeyTable<string>): string {
  const { filter } = keys
  let value = original
  if (entry.rule !== 'pass') {
    if (entry.rule === 'hide') value = filter.hidden
    else if (typeof value === 'string') value = filter.text(value, entry.key)
    else if (typeof value === 'object' && value !== null) value = filter.value(value, entry.key)
  }
  let json = valueJson(value, 0)
  if (typeof value !== 'string' && json.length > filter.maxValueSizeBytes) {
    json = valueJson(filter.shrunk(value, entry.key), 0)
  }
  return `${entry.field}${json}}`
}

function valueJson(value: unknown, depth: number): string {
  if (typeof value === 'string') return `{"stringValue":${jsonText(value)}}`
  if (typeof value === 'number') return numberJson(value)
  if (typeof value === 'boolean') return value ? '{"boolValue":true}' : '{"boolValue":false}'
  if (typeof value !== 'object' || value === null || depth >= maxValueDepth) return '{}'
  if (value instanceof Uint8Array) return `{"bytesValue":"${base64(value)}"}`
  if (!Array.isArray(value)) return `{"kvlistValue":{"values":[${membersJson(value, depth + 1)}]}}`
  // By index: a list with holes has nulls there.
  let json = ''
  for (let index = 0; index < value.length; index++) {
    json += `${index === 0 ? '' : ','}${valueJson(value[index], depth + 1)}`
  }
  return `{"arrayValue":{"values":[${json}]}}`
}

function membersJson(map: object, depth: number): string {
  return Object.entries(map)
    .map(([name, part]) => `${keyJson(name)}${valueJson(part, depth)}}`)
    .join(',')
}

/** Protobuf's JSON has 64-bit integers as texts, and names for what JSON has no numbers for. */
function numberJson(value: number): string {
  if (Number.isSafeInteger(value)) return `{"intValue":"${value}"}`
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) return `{"intValue":"${BigInt(value)}"}`
  return Number.isFinite(value) ? `{"doubleValue":${value}}` : `{"doubleValue":"${value}"}`
}

function base64(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
}
