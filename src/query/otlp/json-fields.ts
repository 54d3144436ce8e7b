import { malformed } from './otlp-error.ts'

/** A JSON object. A field that is `null` is absent, as everywhere in protobuf's JSON. */
export type JsonObject = Readonly<Record<string, unknown>>

/** @throws {@link OtlpError} where the value is no object */
export function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} is no object`)
  return value as JsonObject
}

/** The object under a key; absent is empty. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key] ?? undefined
  return value === undefined ? {} : objectOf(value, key)
}

/** The objects under a key; absent is none. */
export function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key] ?? []
  if (!Array.isArray(value)) throw malformed(`${key} is no list`)
  for (const element of value) objectOf(element, `an element of ${key}`)
  return value as readonly JsonObject[]
}

/** The text under a key; absent is empty. */
export function textAt(object: JsonObject, key: string): string {
  const value = object[key] ?? ''
  if (typeof value !== 'string') throw malformed(`${key} is no string`)
  return value
}

/** The small integer under a key, as a number or a decimal string; absent is 0. */
export function numberAt(object: JsonObject, key: string): number {
  const number = Number(object[key] ?? 0)
  if (!Number.isSafeInteger(number)) throw malformed(`${key} is no integer`)
  return number
}

/** The enum under a key, as OTLP's number or as the name that other protobuf libraries write; absent is 0. */
export function enumAt(object: JsonObject, key: string, names: readonly string[]): number {
  const value = object[key]
  if (typeof value !== 'string' || /^\d+$/.test(value)) return numberAt(object, key)
  return Math.max(0, names.indexOf(value))
}

/** The time under a key, as a number or a decimal string; absent is 0. */
export function nanosAt(object: JsonObject, key: string): bigint {
  const nanos = int64Of(object[key] ?? 0, key)
  if (typeof nanos !== 'bigint' || nanos < 0n) throw malformed(`${key} is no time`)
  return nanos
}

/**
 * A 64-bit integer, as a number or a decimal string.
 *
 * @returns the number itself where it is beyond 64 bits: JavaScript's exporter sends 1e21 as an integer
 */
export function int64Of(value: unknown, what: string): bigint | number {
  if (typeof value === 'number' && Number.isInteger(value)) {
    return Math.abs(value) < 2 ** 64 ? BigInt(value) : value
  }
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
  throw malformed(`${what} is no 64-bit integer`)
}
