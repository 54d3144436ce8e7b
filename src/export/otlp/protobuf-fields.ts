/** Visits the fields of a message: the tag, where the field and its value begin, and where both end. */
export function eachField(
  bytes: Uint8Array,
  visit: (tag: number, start: number, bodyStart: number, end: number) => void,
): void {
  let position = 0
  while (position < bytes.length) {
    const start = position
    const [tag, afterTag] = varintAt(bytes, position)
    const layout = tag & 7
    let bodyStart = afterTag
    let end = afterTag
    if (layout === 0) end = varintAt(bytes, afterTag)[1]
    else if (layout === 1) end += 8
    else if (layout === 5) end += 4
    else {
      const [length, afterLength] = varintAt(bytes, afterTag)
      bodyStart = afterLength
      end = afterLength + length
    }
    visit(tag, start, bodyStart, end)
    position = end
  }
}

/** A varint and where it ends; exact below 2^53. */
export function varintAt(bytes: Uint8Array, start: number): readonly [number, number] {
  let value = 0
  let position = start
  for (let factor = 1; ; factor *= 0x80) {
    const byte = bytes[position++] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return [value, position]
  }
}
