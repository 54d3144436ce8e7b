/**
 * The last 16 characters of a text, as a string of its own.
 *
 * `slice` makes a view onto the longer string, which is slower to read by character, as exporters read every id
 * (docs/discoveries/rope-strings.md).
 */
export function flatTail(text: string): string {
  const start = text.length - 16
  return String.fromCharCode(
    text.charCodeAt(start),
    text.charCodeAt(start + 1),
    text.charCodeAt(start + 2),
    text.charCodeAt(start + 3),
    text.charCodeAt(start + 4),
    text.charCodeAt(start + 5),
    text.charCodeAt(start + 6),
    text.charCodeAt(start + 7),
    text.charCodeAt(start + 8),
    text.charCodeAt(start + 9),
    text.charCodeAt(start + 10),
    text.charCodeAt(start + 11),
    text.charCodeAt(start + 12),
    text.charCodeAt(start + 13),
    text.charCodeAt(start + 14),
    text.charCodeAt(start + 15),
  )
}
