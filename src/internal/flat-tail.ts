const codes: number[] = Array.from({ length: 16 })

/**
 * The last 16 characters of a text, as a string of its own.
 *
 * `slice` makes a view onto the longer string, which is slower to read by character, as exporters read every id
 * (docs/discoveries/rope-strings.md).
 */
export function flatTail(text: string): string {
  const start = text.length - 16
  for (let at = 0; at < 16; at++) codes[at] = text.charCodeAt(start + at)
  return String.fromCharCode.apply(null, codes)
}
