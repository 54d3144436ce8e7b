/** Version of {@link toRunJson}'s form. It goes up when something is renamed, removed or comes to mean something else. */
export const runJsonVersion = 1

/**
 * What readers answer as plain JSON: the fields as their types have them, in order.
 *
 * - Nanoseconds and costs are decimal strings: they are beyond what JSON's readers keep.
 * - What is unknown is `null`.
 * - In attributes, an integer beyond 2^53 is `{"$bigint": "…"}`, bytes are `{"$bytes": "base64"}`, and NaN and the
 *   infinities are `{"$number": "NaN"}`.
 */
export function toRunJson(value: unknown): unknown {
  return encode(value, false)
}

const exactKey = /(?:UnixNano|NanoUsd)$/
/** Objects whose keys are the application's. */
const foreignKey = 'attributes'

function encode(value: unknown, isForeign: boolean): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return isForeign ? { $bigint: String(value) } : String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) }
  return typeof value === 'object' ? encodeObject(value, isForeign) : value
}

function encodeObject(value: object, isForeign: boolean): unknown {
  if (Array.isArray(value)) return value.map((part) => encode(part, isForeign))
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (value instanceof Error) return { name: value.name, message: value.message }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, encode(part, isForeign || key === foreignKey)]),
  )
}

/** Reads what {@link toRunJson} has made, after it has been parsed. */
export function fromRunJson(value: unknown): unknown {
  return decode(value, undefined, false)
}

function decode(value: unknown, key: string | undefined, isForeign: boolean): unknown {
  if (value === null) return isForeign ? null : undefined
  if (typeof value === 'string') return !isForeign && key !== undefined && exactKey.test(key) ? BigInt(value) : value
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((part) => decode(part, undefined, isForeign))
  const { $bigint, $bytes, $number } = value as Record<string, unknown>
  if (isForeign && typeof $bigint === 'string') return BigInt($bigint)
  if (isForeign && typeof $bytes === 'string') return Uint8Array.from(Buffer.from($bytes, 'base64'))
  if (typeof $number === 'string') return Number($number)
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, decode(part, name, isForeign || name === foreignKey)]),
  )
}
