import { crc32 } from 'node:zlib'

/** The length of a head. */
export const headBytes = 16

/**
 * The head of a record: a mark that says what kind of file it is in, the length of the body behind it, its CRC-32, and one
 * number more, which each kind of file has a use of its own for. All are 32 bits in little-endian.
 */
export interface FrameHead {
  readonly bodyBytes: number
  readonly checksum: number
  readonly detail: number
}

/** Puts the parts of a body together, behind a head. */
export function encodeFrame(mark: number, detail: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(headBytes)
  head.writeUInt32LE(mark, 0)
  head.writeUInt32LE(body.byteLength, 4)
  head.writeUInt32LE(crc32(body), 8)
  head.writeUInt32LE(detail, 12)
  return Buffer.concat([head, body])
}

/** @returns nothing where no record with this mark begins here */
export function readFrameHead(bytes: Buffer, mark: number): FrameHead | undefined {
  if (bytes.byteLength < headBytes || bytes.readUInt32LE(0) !== mark) return undefined
  return { bodyBytes: bytes.readUInt32LE(4), checksum: bytes.readUInt32LE(8), detail: bytes.readUInt32LE(12) }
}
