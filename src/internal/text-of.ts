/** Any value as a short text for a message or an attribute. Throws nothing, whatever the value's `toString` does. */
export function textOf(value: unknown, maxLength = 128): string {
  try {
    const text = typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value)
    return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`
  } catch {
    return typeof value
  }
}
