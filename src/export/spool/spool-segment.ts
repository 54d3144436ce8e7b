import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  readSync,
  renameSync,
} from 'node:fs'

import type { EncodedSpan } from '../otlp/encoded-span.ts'
import { isMissing, openRecordFile, removeIfThere, writeAt } from './record-file.ts'
import { headBytes } from './record-frame.ts'
import { decodeBody, encodeRecord, readHead, type RecordHead } from './spool-record.ts'

/** A record in a file, and whether somebody still needs it. */
export interface SpoolRecord extends RecordHead {
  readonly segment: SpoolSegment
  readonly offset: number
  /** Whether its spans are in memory too. */
  isInMemory: boolean
}

/**
 * One file of the spool. Records are appended and never changed; when nobody needs any of them, the file goes, or
 * shrinks to nothing where it is still written to.
 */
export class SpoolSegment {
  path: string
  readonly createdUnixMillis: number
  readonly records = new Set<SpoolRecord>()
  #descriptor: number
  #sizeBytes = 0
  #isDirty = false

  /** Opens a file, or makes it. @throws what the file system throws */
  constructor(path: string, createdUnixMillis: number) {
    this.path = path
    this.createdUnixMillis = createdUnixMillis
    this.#descriptor = openRecordFile(path)
    this.#sizeBytes = fstatSync(this.#descriptor).size
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Finds the records of a file that another process wrote. @returns whether its end was cut off in the middle of one */
  index(): { readonly isTorn: boolean } {
    const head = Buffer.alloc(headBytes)
    let offset = 0
    while (offset < this.#sizeBytes) {
      const read = readSync(this.#descriptor, head, 0, headBytes, offset)
      const found = read < headBytes ? undefined : readHead(head)
      if (found === undefined || offset + headBytes + found.bodyBytes > this.#sizeBytes) return { isTorn: true }
      this.records.add({ ...found, segment: this, offset, isInMemory: false })
      offset += headBytes + found.bodyBytes
    }
    return { isTorn: false }
  }

  /** Appends spans. What was written when this returns survives the process. @throws what the file system throws */
  append(spans: readonly EncodedSpan[], isSynced: boolean): SpoolRecord {
    const bytes = encodeRecord(spans)
    const offset = this.#sizeBytes
    writeAt(this.#descriptor, bytes, offset)
    if (isSynced) fdatasyncSync(this.#descriptor)
    else this.#isDirty = true
    this.#sizeBytes = offset + bytes.byteLength
    const record: SpoolRecord = { ...readHead(bytes)!, segment: this, offset, isInMemory: true }
    this.records.add(record)
    return record
  }

  /** @returns nothing where the record is damaged */
  read({ offset, bodyBytes, checksum, spans }: SpoolRecord): readonly EncodedSpan[] | undefined {
    const body = Buffer.alloc(bodyBytes)
    if (readSync(this.#descriptor, body, 0, bodyBytes, offset + headBytes) < bodyBytes) return undefined
    return decodeBody(body, { bodyBytes, checksum, spans })
  }

  /** Makes the file as short as it was when it was new. */
  empty(): void {
    ftruncateSync(this.#descriptor, 0)
    this.#sizeBytes = 0
  }

  /** Shows other processes that somebody has it. @returns whether it is still in the directory */
  touch(nowUnixMillis: number): boolean {
    futimesSync(this.#descriptor, nowUnixMillis / 1000, nowUnixMillis / 1000)
    return fstatSync(this.#descriptor).nlink > 0
  }

  /** Asks the disk for what was written, on another thread: it may take many milliseconds. */
  sync(failed: (error: Error) => void): void {
    if (!this.#isDirty) return
    this.#isDirty = false
    fdatasync(this.#descriptor, (error) => {
      // Closed meanwhile, which has synced it.
      if (error !== null && error.code !== 'EBADF') failed(error)
    })
  }

  /** {@link sync}, here and now. */
  syncNow(): void {
    if (!this.#isDirty) return
    this.#isDirty = false
    fdatasyncSync(this.#descriptor)
  }

  /** Lets go of the file, and leaves it under a name that says so. @returns whether it is there, under whichever name */
  release(path: string): boolean {
    try {
      renameSync(this.path, path)
      return true
    } catch (error) {
      if (!isMissing(error)) throw error
      return fstatSync(this.#descriptor).nlink > 0
    } finally {
      closeSync(this.#descriptor)
    }
  }

  remove(): void {
    closeSync(this.#descriptor)
    removeIfThere(this.path)
  }
}
