import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { context } from '@opentelemetry/api'

import { RunspanError } from '../../errors.ts'
import { randomHex16 } from '../../internal/random-hex.ts'
import { shared } from '../../run/shared.ts'
import { suppressedContext } from '../delivery/suppressed-context.ts'
import type { EncodedSpan } from '../otlp/encoded-span.ts'
import { isMissing } from './record-file.ts'
import { formatFileName, nobody, parseFileName, spoolKeyOf, type SpoolFileName } from './spool-file-name.ts'
import type { SpoolSettings } from './spool-options.ts'
import { SpoolSegment, type SpoolRecord } from './spool-segment.ts'
import { syncDirectory, syncDirectoryNow } from './sync-directory.ts'

/** What the destination of a spool hears. */
export interface SpoolListener {
  /** Spans of another process are here now. */
  adopted(spans: number): void
  /** Spans are gone that were in the spool. */
  lost(reason: 'spool_full' | 'spool_expired' | 'spool_damaged', spans: number): void
  /** Something went wrong that costs no span by itself. */
  failed(what: string, error: unknown): void
  /** There is something to read. */
  isReady(): void
}

/** From this size on a file is not written to any more, or from an eighth of the bound: files go as a whole. */
const largestSegmentBytes = 8 * 1024 * 1024
/** So many files are open at once at most; further orphans are taken over as these are done. */
const mostSegments = 64
const syncMillis = 1000
/** How long a disk that could not take something is left alone: to find out each time is what would be slow. */
const afterFailureMillis = 1000

/**
 * The spool of one destination in one process. Files belong to the process in their name for as long as it touches
 * them; when it has not for a lease, another process takes them over by renaming them, which only one can do. A process
 * that could not touch its files in time, because it was suspended, never writes to them again: they may be somebody
 * else's. So a wrong guess doubles spans, and loses none.
 */
export class Spool {
  readonly settings: SpoolSettings
  readonly #key: string
  readonly #owner = randomHex16()
  readonly #listener: SpoolListener
  /** Oldest first. The last one may be the one that is written to. */
  #segments: SpoolSegment[] = []
  #current: SpoolSegment | undefined
  #number = 0
  #touchedUnixMillis: number
  #unreadSpans = 0
  #failedUnixMillis = Number.NEGATIVE_INFINITY
  #isDirectoryDirty = false
  readonly #segmentBytes: number
  readonly #stops: (() => void)[]

  /**
   * @param identity what makes destinations different: spans for one must not reach another
   * @throws {@link RunspanError} `bad_configuration` where the directory cannot be used
   */
  constructor(settings: SpoolSettings, identity: string, listener: SpoolListener) {
    this.settings = settings
    this.#segmentBytes = Math.min(largestSegmentBytes, settings.maxBytes / 8)
    this.#key = spoolKeyOf(identity)
    this.#listener = listener
    try {
      mkdirSync(settings.directory, { recursive: true, mode: 0o700 })
      readdirSync(settings.directory)
    } catch (error) {
      throw new RunspanError(
        'bad_configuration',
        `Failed to configure spool.directory: ${settings.directory} cannot be used. Use a directory that this process may write to.`,
        { cause: error },
      )
    }
    const { clock } = shared()
    this.#touchedUnixMillis = clock.nowUnixMillis()
    this.#stops = context.with(suppressedContext, () => [
      clock.every(settings.leaseMillis / 3, () => this.tend()),
      ...(settings.sync === 'interval' ? [clock.every(syncMillis, () => this.#sync())] : []),
    ])
  }

  /** Spans that are in the spool and not in memory. */
  get unreadSpans(): number {
    return this.#unreadSpans
  }

  /** Takes over what nobody has, gives up what is too old, and shows that this process lives. */
  tend(): void {
    this.#quietly('tend', () => {
      const now = shared().clock.nowUnixMillis()
      this.#leaveIfLate(now)
      for (const segment of this.#segments) {
        // Somebody has deleted it: what it has can still be read, but would not survive this process.
        if (!segment.touch(now) && segment === this.#current) this.#current = undefined
      }
      this.#touchedUnixMillis = now
      this.#adopt(now)
      for (const segment of this.#segments.filter(
        ({ createdUnixMillis }) => now - createdUnixMillis > this.settings.maxAgeMillis,
      )) {
        this.#evict(segment, 'spool_expired')
      }
    })
    if (this.#unreadSpans > 0) this.#listener.isReady()
  }

  /** Writes spans that stay in memory too, until {@link forget} or {@link putBack}. @returns nothing where it cannot */
  write(spans: readonly EncodedSpan[]): SpoolRecord | undefined {
    const now = shared().clock.nowUnixMillis()
    if (Math.abs(now - this.#failedUnixMillis) < afterFailureMillis) return undefined
    try {
      this.#leaveIfLate(now)
      const bytes = spans.reduce((sum, span) => sum + span.sizeBytes, 0)
      if (bytes > this.settings.maxBytes) return undefined
      while (this.#sizeBytes + bytes > this.settings.maxBytes) {
        const oldest = this.#segments.find((segment) => [...segment.records].every(({ isInMemory }) => !isInMemory))
        if (oldest === undefined) return undefined
        this.#evict(oldest, 'spool_full')
      }
      if (this.#current === undefined || this.#current.sizeBytes > this.#segmentBytes) this.#current = this.#open(now)
      return this.#current.append(spans, this.settings.sync === 'always')
    } catch (error) {
      this.#failedUnixMillis = now
      this.#listener.failed('write', error)
      return undefined
    }
  }

  /** Reads the oldest record that is not in memory. @returns nothing where it is larger, or has more spans */
  read(
    maxBytes: number,
    maxSpans = Number.POSITIVE_INFINITY,
  ): { readonly record: SpoolRecord; readonly spans: readonly EncodedSpan[] } | undefined {
    if (this.#unreadSpans === 0) return undefined
    return this.#quietly('read', () => {
      for (const segment of this.#segments) {
        for (const record of segment.records) {
          if (record.isInMemory) continue
          if (record.bodyBytes > maxBytes || record.spans > maxSpans) return undefined
          record.isInMemory = true
          this.#unreadSpans -= record.spans
          const spans = this.#quietly('read', () => segment.read(record))
          if (spans !== undefined) return { record, spans }
          this.#listener.lost('spool_damaged', record.spans)
          this.forget(record)
        }
      }
      return undefined
    })
  }

  /** The spans of a record are in memory no more. */
  putBack(record: SpoolRecord): void {
    if (!record.isInMemory) return
    record.isInMemory = false
    this.#unreadSpans += record.spans
  }

  /** Nobody needs a record any more: its spans were delivered, or given up. */
  forget(record: SpoolRecord): void {
    const { segment } = record
    if (!segment.records.delete(record) || segment.records.size > 0) return
    this.#quietly('forget', () => {
      this.#leaveIfLate(shared().clock.nowUnixMillis())
      if (segment === this.#current && segment.sizeBytes <= this.#segmentBytes) segment.empty()
      else this.#remove(segment)
    })
  }

  /** Leaves what is there to the next process, which need not wait for a lease to end. */
  close(): void {
    for (const stop of this.#stops) stop()
    for (const segment of this.#segments) {
      const isThere = this.#quietly('close', () => {
        if (this.settings.sync !== 'none') segment.syncNow()
        if (segment.records.size > 0) return segment.release(this.#pathOf(segment.createdUnixMillis, nobody))
        segment.remove()
        return true
      })
      if (isThere !== true) this.#forgetUnread(segment, 'spool_damaged')
    }
    if (this.#segments.length > 0 && this.settings.sync !== 'none') {
      this.#quietly('sync', () => syncDirectoryNow(this.settings.directory))
    }
    this.#segments = []
    this.#current = undefined
  }

  get #sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  #open(now: number): SpoolSegment {
    // Somebody may have deleted it.
    mkdirSync(this.settings.directory, { recursive: true, mode: 0o700 })
    const segment = new SpoolSegment(this.#pathOf(now, this.#owner), now)
    this.#segments.push(segment)
    if (this.settings.sync === 'always') syncDirectoryNow(this.settings.directory)
    else this.#isDirectoryDirty = true
    return segment
  }

  #pathOf(createdUnixMillis: number, owner: string): string {
    // A file that is let go keeps a number of its own by the name of who had it.
    const number =
      owner === nobody ? Number.parseInt(this.#owner.slice(0, 8), 16) * 1000 + this.#number++ : this.#number++
    return join(this.settings.directory, formatFileName({ key: this.#key, createdUnixMillis, owner, number }))
  }

  /** Half a lease without a touch: whoever looks at the files a moment later may already take them. */
  #leaveIfLate(now: number): void {
    if (now - this.#touchedUnixMillis > this.settings.leaseMillis / 2) this.#current = undefined
  }

  #adopt(now: number): void {
    const { directory, leaseMillis } = this.settings
    const found = readdirSync(directory)
      .map((name) => ({ name, parsed: parseFileName(name) }))
      .filter((file): file is { name: string; parsed: SpoolFileName } => file.parsed?.key === this.#key)
      .toSorted((one, other) => one.parsed.createdUnixMillis - other.parsed.createdUnixMillis)
    for (const { name, parsed } of found) {
      if (this.#segments.length >= mostSegments) break
      if (parsed.owner === this.#owner) continue
      const path = join(directory, name)
      try {
        if (parsed.owner !== nobody && now - statSync(path).mtimeMs < leaseMillis) continue
        const own = this.#pathOf(parsed.createdUnixMillis, this.#owner)
        renameSync(path, own)
        this.#take(new SpoolSegment(own, parsed.createdUnixMillis), now)
      } catch (error) {
        // Without: somebody else was quicker. One file that cannot be taken over is not to keep the others.
        if (!isMissing(error)) this.#listener.failed('take a file over', error)
      }
    }
    this.#segments.sort((one, other) => one.createdUnixMillis - other.createdUnixMillis)
  }

  #take(segment: SpoolSegment, now: number): void {
    segment.touch(now)
    const { isTorn } = segment.index()
    if (isTorn) this.#listener.failed('read the last record of an adopted file, which is cut off', undefined)
    let spans = 0
    for (const record of segment.records) spans += record.spans
    if (segment.records.size === 0) {
      segment.remove()
      return
    }
    this.#segments.push(segment)
    this.#unreadSpans += spans
    this.#listener.adopted(spans)
  }

  /** Gives up what is in a file and not in memory. What is in memory goes on without it. */
  #evict(segment: SpoolSegment, reason: 'spool_full' | 'spool_expired'): void {
    this.#forgetUnread(segment, reason)
    if (segment.records.size === 0) this.#remove(segment)
  }

  #forgetUnread(segment: SpoolSegment, reason: Parameters<SpoolListener['lost']>[0]): void {
    let spans = 0
    for (const record of segment.records) {
      if (record.isInMemory) continue
      spans += record.spans
      segment.records.delete(record)
    }
    this.#unreadSpans -= spans
    if (spans > 0) this.#listener.lost(reason, spans)
  }

  #remove(segment: SpoolSegment): void {
    this.#segments = this.#segments.filter((other) => other !== segment)
    if (this.#current === segment) this.#current = undefined
    segment.remove()
  }

  #sync(): void {
    const failed = (error: unknown): void => this.#listener.failed('sync', error)
    for (const segment of this.#segments) segment.sync(failed)
    if (!this.#isDirectoryDirty) return
    this.#isDirectoryDirty = false
    syncDirectory(this.settings.directory).catch(failed)
  }

  /** A full or broken disk must not reach whoever ends a span. */
  #quietly<T>(what: string, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      this.#listener.failed(what, error)
      return undefined
    }
  }
}
