/** Longest text that is recorded for one value, in UTF-16 code units; past that the text is cut and says so. */
const maxTextLength = 65_536
const maxDepth = 12
const maxEntries = 1000

/**
 * JSON of any value, for people and readers: never throws, whatever getters, proxies, cycles or bigints it meets, and
 * says what it could not show.
 *
 * @returns valid JSON; of `undefined`, `"undefined"` is not a value, so `undefined` comes back
 */
export function safeJson(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') return JSON.stringify(cut(value))
  let text: string | undefined
  try {
    // The common case, plain data, at native speed. Cycles and bigints throw, and then the careful copy is made.
    text = JSON.stringify(value)
    if (text === '{}' || isRich(value)) text = undefined
  } catch {
    text = undefined
  }
  text ??= JSON.stringify(readable(value, 0, []))
  if (text.length <= maxTextLength) return text
  return JSON.stringify({ truncated: true, originalLength: text.length, start: text.slice(0, maxTextLength - 64) })
}

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}… (${text.length} characters)`
}

/** Things that JSON.stringify shows as `{}` although they hold something. */
function isRich(value: unknown): boolean {
  return value instanceof Map || value instanceof Set || value instanceof Error
}

function readable(value: unknown, depth: number, ancestors: readonly object[]): unknown {
  try {
    switch (typeof value) {
      case 'string':
        return cut(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'bigint':
        return `${value}n`
      case 'undefined':
        return '[undefined]'
      case 'symbol':
        return String(value)
      case 'function':
        return `[function ${value.name || 'anonymous'}]`
      case 'object':
        break
    }
    return value === null ? null : readableObject(value, depth, ancestors)
  } catch {
    return '[unreadable]'
  }
}

function readableObject(value: object, depth: number, ancestors: readonly object[]): unknown {
  if (ancestors.includes(value)) return '[circular]'
  if (depth >= maxDepth) return '[too deep]'
  const inside = [...ancestors, value]
  const go = (part: unknown): unknown => readable(part, depth + 1, inside)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof Error) return { name: go(value.name), message: go(value.message) }
  if (value instanceof Map) return [...value].slice(0, maxEntries).map(([key, part]) => [go(key), go(part)])
  if (value instanceof Set) return [...value].slice(0, maxEntries).map(go)
  if (ArrayBuffer.isView(value)) return `[${value.constructor.name} of ${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, maxEntries).map(go)
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value).slice(0, maxEntries)) {
    try {
      const part: unknown = (value as Record<string, unknown>)[key]
      if (part !== undefined) copy[key] = go(part)
    } catch {
      copy[key] = '[unreadable]'
    }
  }
  return copy
}
