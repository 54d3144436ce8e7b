import { closeSync, fdatasync, fdatasyncSync, fstatSync, futimesSync, readSync } from 'node:fs'
import { join } from 'node:path'

import type { EncodedSpan } from '../otlp/encoded-span.ts'
import { leftRecord, openRecord, ownerRecord } from './open-run-record.ts'
import { ownIdentity } from './process-identity.ts'
import { openRecordFile, removeIfThere, writeAt } from './record-file.ts'
import { formatFileName } from './spool-file-name.ts'
import type { SpoolSettings } from './spool-options.ts'

/** How many runs a file has at most. */
const mostRuns = 10_000
/** How many bytes of them. */
const mostBytes = 16 * 1024 * 1024
/** From this size on a file is written anew when half of it is of runs that have ended. */
const leastRewrittenBytes = 256 * 1024

/** A run that is open, and the root that it is to have if this process is lost. */
export interface OpenRun {
  readonly runId: string
  readonly root: EncodedSpan
}

/**
 * The open runs of this process, for one destination. Records are appended, and of the runs that have ended the file is
 * freed when they are half of it. It belongs to the process in its name for as long as that lives; one that could not
 * touch it in time goes on with another file, because this one may be somebody else's.
 *
 * Everything in here throws what the file system throws.
 */
export class OpenRunFile {
  readonly #settings: SpoolSettings
  readonly #key: string
  readonly #owner: string
  /** Where the newest record of each run stands. */
  readonly #records = new Map<string, { readonly offset: number; readonly sizeBytes: number }>()
  #path = ''
  #descriptor: number | undefined
  #sizeBytes = 0
  #openBytes = 0
  #number = 0
  #touchedUnixMillis = 0
  #isDirty = false

  constructor(settings: SpoolSettings, key: string, owner: string) {
    this.#settings = settings
    this.#key = key
    this.#owner = owner
  }

  /**
   * Writes down what is open and what is so no more. What was written when this returns survives the process.
   *
   * @returns whether there was room for everything
   */
  write(opened: readonly OpenRun[], left: Iterable<string>, nowUnixMillis: number): boolean {
    const records: Buffer[] = []
    const places: { readonly runId: string; readonly sizeBytes: number }[] = []
    for (const runId of left) if (this.#forget(runId)) records.push(leftRecord(runId))
    let hasRoom = true
    for (const { runId, root } of opened) {
      const record = openRecord(runId, root)
      const isFull = this.#records.size + places.length >= mostRuns && !this.#records.has(runId)
      if (isFull || this.#openBytes + record.byteLength > mostBytes) {
        hasRoom = false
        continue
      }
      this.#forget(runId)
      this.#openBytes += record.byteLength
      records.push(record)
      places.push({ runId, sizeBytes: record.byteLength })
    }
    if (records.length > 0) this.#append(records, places, nowUnixMillis)
    return hasRoom
  }

  /** Shows that this process lives. */
  touch(nowUnixMillis: number): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    const isLate = nowUnixMillis - this.#touchedUnixMillis > this.#settings.leaseMillis / 2
    if (isLate || fstatSync(descriptor).nlink === 0) this.#rewrite(nowUnixMillis)
    else {
      futimesSync(descriptor, nowUnixMillis / 1000, nowUnixMillis / 1000)
      this.#touchedUnixMillis = nowUnixMillis
    }
    if (!this.#isDirty || this.#settings.sync !== 'interval') return
    this.#isDirty = false
    // An error means that it was closed meanwhile.
    fdatasync(this.#descriptor!, () => undefined)
  }

  /** Lets go. Runs that are open have nobody any more who would report their end: the file stays for the next process. */
  close(): void {
    if (this.#descriptor === undefined) return
    closeSync(this.#descriptor)
    this.#descriptor = undefined
    if (this.#records.size === 0) removeIfThere(this.#path)
  }

  #forget(runId: string): boolean {
    const record = this.#records.get(runId)
    if (record === undefined) return false
    this.#openBytes -= record.sizeBytes
    return this.#records.delete(runId)
  }

  #append(
    records: readonly Buffer[],
    places: readonly { readonly runId: string; readonly sizeBytes: number }[],
    nowUnixMillis: number,
  ): void {
    if (this.#descriptor === undefined) this.#open(nowUnixMillis)
    const bytes = Buffer.concat(records)
    const end = this.#sizeBytes + bytes.byteLength
    this.#put(bytes)
    // Those of the runs that have left come first.
    let offset = end - places.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    for (const { runId, sizeBytes } of places) {
      this.#records.set(runId, { offset, sizeBytes })
      offset += sizeBytes
    }
    if (this.#sizeBytes > leastRewrittenBytes && this.#openBytes < this.#sizeBytes / 2) this.#rewrite(nowUnixMillis)
  }

  #put(bytes: Buffer): void {
    writeAt(this.#descriptor!, bytes, this.#sizeBytes)
    this.#sizeBytes += bytes.byteLength
    if (this.#settings.sync === 'always') fdatasyncSync(this.#descriptor!)
    else this.#isDirty = true
  }

  #open(nowUnixMillis: number): void {
    const name = { key: this.#key, createdUnixMillis: nowUnixMillis, owner: this.#owner, number: this.#number++ }
    this.#path = join(this.#settings.directory, formatFileName(name, 'runs'))
    this.#descriptor = openRecordFile(this.#path)
    this.#sizeBytes = 0
    this.#touchedUnixMillis = nowUnixMillis
    this.#put(ownerRecord(ownIdentity()))
  }

  /** Goes on with a file of the runs that are open. There are two for a moment, which reports a run twice at worst. */
  #rewrite(nowUnixMillis: number): void {
    const before = this.#descriptor!
    const pathBefore = this.#path
    const parts: Buffer[] = []
    for (const { offset, sizeBytes } of this.#records.values()) {
      const part = Buffer.alloc(sizeBytes)
      readSync(before, part, 0, sizeBytes, offset)
      parts.push(part)
    }
    this.#open(nowUnixMillis)
    let offset = this.#sizeBytes
    this.#put(Buffer.concat(parts))
    for (const [runId, { sizeBytes }] of this.#records) {
      this.#records.set(runId, { offset, sizeBytes })
      offset += sizeBytes
    }
    closeSync(before)
    removeIfThere(pathBefore)
  }
}
