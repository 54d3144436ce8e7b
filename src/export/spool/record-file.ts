import { constants, openSync, unlinkSync, writeSync } from 'node:fs'

/** Opens a file of records for reading and writing, or makes it, for this user alone. @returns its descriptor */
export function openRecordFile(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
}

/** Writes all of the bytes, which one call of the system need not do. */
export function writeAt(descriptor: number, bytes: Uint8Array, offset: number): void {
  let written = 0
  while (written < bytes.byteLength) {
    written += writeSync(descriptor, bytes, written, bytes.byteLength - written, offset + written)
  }
}

/** Deletes a file, unless somebody was quicker. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Whether a call failed because the file is not there: somebody has taken it over, or deleted it. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
