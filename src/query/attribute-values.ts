import type { StoredAttributes } from './stored-span.ts'

/** The text under a key, where there is one. */
export function textAt(attributes: StoredAttributes, key: string): string | undefined {
  const value = attributes[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * The number under a key, where there is one. A whole-number double goes out of JavaScript as an integer, and some
 * backends answer integers as text: all of them are the same number.
 */
export function numberAt(attributes: StoredAttributes, key: string): number | undefined {
  const value = attributes[key]
  const number = typeof value === 'bigint' || (typeof value === 'string' && value !== '') ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** The integer under a key, exactly, where there is one. A double is rounded. */
export function integerAt(attributes: StoredAttributes, key: string): bigint | undefined {
  const value = attributes[key]
  if (typeof value === 'bigint') return value
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value)
  const number = numberAt(attributes, key)
  return number === undefined ? undefined : BigInt(Math.round(number))
}

/** Whether the key says yes. Backends without booleans answer text. */
export function isSetAt(attributes: StoredAttributes, key: string): boolean {
  return attributes[key] === true || attributes[key] === 'true'
}

/** What the key says, where it says yes or no. */
export function flagAt(attributes: StoredAttributes, key: string): boolean | undefined {
  if (isSetAt(attributes, key)) return true
  return attributes[key] === false || attributes[key] === 'false' ? false : undefined
}

/** The list under a key; empty where there is none. Backends without lists answer JSON. */
export function listAt(attributes: StoredAttributes, key: string): readonly unknown[] {
  const value = attributes[key]
  if (Array.isArray(value)) return value
  if (typeof value !== 'string' || !value.startsWith('[')) return []
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) ? list : []
  } catch {
    // A backend may have cut it.
    return []
  }
}
