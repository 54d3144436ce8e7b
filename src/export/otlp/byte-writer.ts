import {
  digitOf,
  putBytes,
  putFixed32,
  putText,
  putVarint,
  textAttributeHeadSize,
  utf8Size,
  varintSize,
} from './put-bytes.ts'

const chunkSizeBytes = 65_536

/**
 * Protobuf's wire format into one growing buffer. Spans stay in chunks that they share, without being copied.
 *
 * A message inside a message is written before its length is known. One byte is reserved, which is what most messages
 * need; longer ones are moved.
 */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(chunkSizeBytes)
  #position = 0
  #start = 0
  #chunk: Buffer | undefined
  /** Where what {@link keep} kept last begins, and where it ends. */
  keptStart = 0
  keptEnd = 0

  /** Where the next byte goes, for {@link endMessage} and for measuring. */
  get position(): number {
    return this.#position
  }

  /**
   * Starts something anew. What was started and not kept is overwritten.
   *
   * @param room bytes to leave in front of it
   * @returns where it begins
   */
  start(room = 0): number {
    if (this.#chunk !== undefined) this.#backToChunk()
    if (this.#bytes.length - this.#start < 4096) {
      this.#bytes = Buffer.allocUnsafeSlow(chunkSizeBytes)
      this.#start = 0
    }
    this.#position = this.#start + room
    return this.#position
  }

  /** A copy of everything since {@link start}. */
  copy(): Uint8Array {
    return this.copySince(this.#start)
  }

  /**
   * Keeps what was written since `start`: where it stands, with what is in front of it, or by itself where it was too
   * large for a chunk.
   *
   * @returns what it is in, from {@link keptStart} to {@link keptEnd}
   */
  keep(start: number): Uint8Array {
    if (this.#chunk === undefined) {
      this.keptStart = start
      this.keptEnd = this.#start = this.#position
      return this.#bytes
    }
    const copy = this.copySince(start)
    this.keptStart = 0
    this.keptEnd = copy.length
    this.#backToChunk()
    return copy
  }

  /** Forgets what was written since `position`. */
  rewind(position: number): void {
    this.#position = position
  }

  /** A copy of what was written since `position`. */
  copySince(position: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, position, this.#position)
  }

  byte(value: number): void {
    if (this.#position >= this.#bytes.length) this.#grow(1)
    this.#bytes[this.#position++] = value
  }

  /** A tag below 16 384. */
  tag(tag: number): void {
    if (this.#position + 2 > this.#bytes.length) this.#grow(2)
    if (tag > 0x7f) {
      this.#bytes[this.#position++] = (tag & 0x7f) | 0x80
      this.#bytes[this.#position++] = tag >>> 7
    } else this.#bytes[this.#position++] = tag
  }

  /** An unsigned number below 2^32. */
  uint32(value: number): void {
    if (this.#position + 5 > this.#bytes.length) this.#grow(5)
    this.#position = putVarint(this.#bytes, this.#position, value)
  }

  /** An integer of at most 64 bits, in two's complement. */
  int64(value: number): void {
    if (value >= 0 && value <= 0x7fff_ffff) {
      this.uint32(value)
      return
    }
    if (this.#position + 10 > this.#bytes.length) this.#grow(10)
    let high = Math.floor(value / 0x1_0000_0000)
    let low = (value - high * 0x1_0000_0000) >>> 0
    high >>>= 0
    const bytes = this.#bytes
    let position = this.#position
    while (high > 0 || low > 0x7f) {
      bytes[position++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    bytes[position++] = low
    this.#position = position
  }

  fixed32(value: number): void {
    if (this.#position + 4 > this.#bytes.length) this.#grow(4)
    this.#position = putFixed32(this.#bytes, this.#position, value)
  }

  double(value: number): void {
    if (this.#position + 8 > this.#bytes.length) this.#grow(8)
    this.#position = this.#bytes.writeDoubleLE(value, this.#position)
  }

  /** A time as nanoseconds of 64 bits. */
  time(seconds: number, nanos: number): void {
    if (this.#position + 8 > this.#bytes.length) this.#grow(8)
    // The product passes 2^53. Its low half is exact modulo 2^32; what is left then is a multiple of 2^32, so rounding
    // takes away whatever the multiplication of doubles was off by.
    const whole = Math.imul(seconds, 1_000_000_000) >>> 0
    const low = whole + nanos
    const carry = low > 0xffff_ffff || low < 0 ? Math.floor(low / 0x1_0000_0000) : 0
    const high = Math.round((seconds * 1_000_000_000 - whole) / 0x1_0000_0000) + carry
    putFixed32(this.#bytes, this.#position, low)
    this.#position = putFixed32(this.#bytes, this.#position + 4, high)
  }

  /** Bytes with their length. */
  bytes(value: Uint8Array): void {
    this.uint32(value.length)
    this.raw(value)
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    if (this.#position + value.length > this.#bytes.length) this.#grow(value.length)
    this.#position = putBytes(this.#bytes, this.#position, value)
  }

  /**
   * An id of `size` bytes, with its tag and length, from its hexadecimal digits.
   *
   * @returns false, with nothing written, where it is no id: receivers refuse a whole request for one of a wrong length
   */
  id(tag: number, digits: string, size: number): boolean {
    if (typeof digits !== 'string' || digits.length !== size * 2) return false
    if (this.#position + size + 2 > this.#bytes.length) this.#grow(size + 2)
    const bytes = this.#bytes
    let position = this.#position
    bytes[position++] = tag
    bytes[position++] = size
    let isZero = true
    for (let index = 0; index < digits.length; index += 2) {
      const byte = (digitOf(digits, index) << 4) | digitOf(digits, index + 1)
      if (byte < 0) return false
      if (byte !== 0) isZero = false
      bytes[position++] = byte
    }
    if (isZero) return false
    this.#position = position
    return true
  }

  /** A text in UTF-8, with its length. */
  text(text: string): void {
    const length = text.length
    if (this.#position + 5 + length * 3 > this.#bytes.length) this.#reserve(5 + utf8Size(text))
    const textStart = this.#position + varintSize(length)
    const end = putText(this.#bytes, textStart, text)
    const size = end - textStart
    const shift = varintSize(size) - varintSize(length)
    if (shift > 0) this.#bytes.copyWithin(textStart + shift, textStart, end)
    putVarint(this.#bytes, this.#position, size)
    this.#position = end + shift
  }

  /**
   * A text as the value of an attribute: `KeyValue { key, AnyValue { text } }`, with its tag. In one step, because the
   * three lengths around it follow from the text's.
   *
   * @param key the encoded field of the key
   */
  textAttribute(tag: number, key: Uint8Array, text: string): void {
    const length = text.length
    const around = 18 + key.length
    if (this.#position + around + length * 3 > this.#bytes.length) this.#reserve(around + utf8Size(text))
    const bytes = this.#bytes
    const start = this.#position
    const textStart = start + textAttributeHeadSize(key.length, length)
    const end = putText(bytes, textStart, text)
    const size = end - textStart
    const shift = size === length ? 0 : textAttributeHeadSize(key.length, size) - (textStart - start)
    if (shift > 0) bytes.copyWithin(textStart + shift, textStart, end)

    const valueSize = 1 + varintSize(size) + size
    let position = start
    bytes[position++] = tag
    position = putVarint(bytes, position, key.length + 1 + varintSize(valueSize) + valueSize)
    position = putBytes(bytes, position, key)
    bytes[position++] = 0x12
    position = putVarint(bytes, position, valueSize)
    bytes[position++] = 0x0a
    putVarint(bytes, position, size)
    this.#position = end + shift
  }

  /** Leaves room for the length of a message that follows. @returns what {@link endMessage} asks for */
  startMessage(): number {
    if (this.#position >= this.#bytes.length) this.#grow(1)
    return this.#position++
  }

  /** Writes the length of the message that began at `start`. */
  endMessage(start: number): void {
    const size = this.#position - start - 1
    if (size < 0x80) {
      this.#bytes[start] = size
      return
    }
    const shift = varintSize(size) - 1
    if (this.#position + shift > this.#bytes.length) this.#grow(shift)
    this.#bytes.copyWithin(start + 1 + shift, start + 1, this.#position)
    this.#position += shift
    putVarint(this.#bytes, start, size)
  }

  /** Puts a tag and the length of what began at `start` in front of it, where they fill the room that was left there. */
  head(tag: number, start: number, room: number): void {
    const size = this.#position - start
    if (1 + varintSize(size) !== room) return
    this.#bytes[start - room] = tag
    putVarint(this.#bytes, start - room + 1, size)
  }

  #reserve(needed: number): void {
    if (this.#position + needed > this.#bytes.length) this.#grow(needed)
  }

  #backToChunk(): void {
    this.#bytes = this.#chunk!
    this.#chunk = undefined
  }

  /** Positions stay the same: messages that are open remember where they began. The chunk comes back after this span. */
  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#position + needed))
    this.#bytes.copy(larger, this.#start, this.#start, this.#position)
    this.#chunk ??= this.#bytes
    this.#bytes = larger
  }
}
