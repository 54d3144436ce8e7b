import { open } from 'node:fs/promises'

/** Where a file has been read up to. */
export interface FilePosition {
  /** Bytes that have been read as whole lines. */
  readonly offset: number
  /** Which file it was: a name may come to mean another one. */
  readonly inode: number
}

const chunkBytes = 1 << 20
/** The longest line, in bytes: many times what the Collector puts into one. */
const maxLineBytes = 256 << 20
const newline = 0x0a

/**
 * Reads the lines that a file has beyond a position, and holds one at a time. A line without its end is left for the
 * next time: somebody is writing it.
 *
 * @param onLine what takes a line; the next one waits for it
 * @returns the new position; at the start of the file again where it was replaced or cut
 * @throws Error of `node:fs` where the file cannot be read, and where a line is longer than 256 MiB
 */
export async function readLines(
  path: string,
  from: FilePosition | undefined,
  onLine: (line: Uint8Array) => Promise<void>,
): Promise<FilePosition> {
  const file = await open(path, 'r')
  try {
    const { ino, size } = await file.stat()
    let offset = from === undefined || from.inode !== ino || size < from.offset ? 0 : from.offset
    let line: Uint8Array[] = []
    let lineBytes = 0
    for (let at = offset; at < size;) {
      const chunk = new Uint8Array(Math.min(chunkBytes, size - at))
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
      if (bytesRead === 0) break
      at += bytesRead
      let start = 0
      for (let end = chunk.indexOf(newline); end !== -1 && end < bytesRead; end = chunk.indexOf(newline, start)) {
        line.push(chunk.subarray(start, end))
        lineBytes += end - start
        await onLine(line.length === 1 ? line[0]! : Buffer.concat(line))
        offset += lineBytes + 1
        start = end + 1
        line = []
        lineBytes = 0
      }
      line.push(chunk.subarray(start, bytesRead))
      lineBytes += bytesRead - start
      if (lineBytes > maxLineBytes) throw new Error(`a line is longer than ${maxLineBytes} bytes`)
    }
    // A last line without an end that is whole JSON was written by something that ends no lines.
    if (lineBytes > 0 && offset === 0 && line[0]![0] === 0x7b && isWhole(Buffer.concat(line))) {
      await onLine(Buffer.concat(line))
      offset = lineBytes
    }
    return { offset, inode: ino }
  } finally {
    await file.close()
  }
}

function isWhole(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}
