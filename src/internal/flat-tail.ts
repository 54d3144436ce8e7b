const codes: number[] = Array.from({ length: 16 })

/**
 * The last 16 characters of a text, as a string of its own.
 *
 * `slice` makes a view onto the longer string, and whatever reads it by character, as exporters do with every id, gets
 * slower for all strings it meets.
 */
export function flatTail(text: string): string {
  const start = text.length - 16
  for (let at = 0; at < 16; at++) codes[at] = text.charCodeAt(start + at)
  return String.fromCharCode.apply(null, codes)
}
