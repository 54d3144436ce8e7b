/** ASCII without what JSON escapes. */
const plain = /^[ !#-[\]-~]*$/
/** From here on looking takes as long as escaping. */
const shortLength = 128

/** A text in JSON. */
export function jsonText(text: string): string {
  return text.length <= shortLength && plain.test(text) ? `"${text}"` : JSON.stringify(text)
}
