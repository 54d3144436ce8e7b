/** Below this length a loop over the characters beats a call into Node. */
const shortTextLength = 24
/** The same for bytes. */
const shortSizeBytes = 12

/** How many bytes a number below 2^32 takes as a varint. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** How many bytes a text takes in UTF-8. */
export function utf8Size(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** Writes a number below 2^32. @returns where the next byte goes, as all of these do */
export function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let rest = value
  let position = start
  while (rest > 0x7f) {
    bytes[position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[position++] = rest
  return position
}

/** Writes bytes as they are. */
export function putBytes(bytes: Uint8Array, position: number, value: Uint8Array): number {
  const size = value.length
  if (size > shortSizeBytes) bytes.set(value, position)
  else for (let index = 0; index < size; index++) bytes[position + index] = value[index]!
  return position + size
}

/** Writes 32 bits, lowest byte first. */
export function putFixed32(bytes: Uint8Array, position: number, value: number): number {
  bytes[position] = value
  bytes[position + 1] = value >>> 8
  bytes[position + 2] = value >>> 16
  bytes[position + 3] = value >>> 24
  return position + 4
}

/** Writes a text in UTF-8. There has to be room for it. */
export function putText(bytes: Buffer, start: number, text: string): number {
  const length = text.length
  if (length > shortTextLength) return start + bytes.write(text, start, 'utf8')
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return start + bytes.write(text, start, 'utf8')
    bytes[start + index] = code
  }
  return start + length
}

/**
 * How many bytes stand in front of the text in `KeyValue { key, AnyValue { text } }`, tag included.
 *
 * @param keyLength how long the field of the key is
 * @param size how long the text is in UTF-8
 */
export function textAttributeHeadSize(keyLength: number, size: number): number {
  const valueSize = 1 + varintSize(size) + size
  const attributeSize = keyLength + 1 + varintSize(valueSize) + valueSize
  return 1 + varintSize(attributeSize) + (attributeSize - size)
}

const digits = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) {
  digits[digit.toString(16).charCodeAt(0)] = digit
  digits[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/** A hexadecimal digit of a text. @returns -1 for what is none; shifted by four bits that stays below zero */
export function digitOf(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < 256 ? digits[code]! : -1
}
