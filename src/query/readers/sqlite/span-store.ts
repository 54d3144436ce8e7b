import { diag } from '@opentelemetry/api'

import { checkOptions, type OptionNames } from '../../../check-options.ts'
import { RunspanError } from '../../../errors.ts'
import { systemClock, type Clock } from '../../../internal/clock.ts'
import { createRunReader } from '../../create-run-reader.ts'
import type { RunReader } from '../../run-reader.ts'
import type { StoredSpan } from '../../stored-span.ts'
import { evict, type Bounds } from './evict.ts'
import { loadSqlite, type Database } from './load-sqlite.ts'
import { migrate } from './migrations.ts'
import { SpanRows } from './span-rows.ts'
import { SpanWriter } from './span-writer.ts'
import { SqliteSource } from './sqlite-source.ts'

/** Options of {@link openSpanStore}. */
export interface SpanStoreOptions {
  /** How long a trace is kept after its last span has come, in milliseconds; at least 1. @defaultValue 7 days */
  readonly maxAgeMillis?: number | undefined
  /** How large the database may be, in bytes; beyond it the oldest traces go. At least 1 MiB. @defaultValue 1 GiB */
  readonly maxBytes?: number | undefined
  /**
   * Whether a power cut may cost what was written in the last moment. `process` loses nothing when a process is killed;
   * `power` waits for the disk at every write, and is several times slower. @defaultValue 'process'
   */
  readonly survives?: 'process' | 'power' | undefined
  /** Whether a store that is not there is made. @defaultValue true */
  readonly create?: boolean | undefined
  /** The time by which spans grow old. @internal */
  readonly clock?: Clock | undefined
}

const optionNames: OptionNames<SpanStoreOptions> = {
  maxAgeMillis: true,
  maxBytes: true,
  survives: true,
  create: true,
  clock: true,
}

/** Whose spans. */
export interface TenantOptions {
  /** Spans of one tenant are not there for another. @defaultValue '' */
  readonly tenant?: string | undefined
}

/** Spans in a file, that several processes of one machine may write and read at once. */
export interface SpanStore extends AsyncDisposable {
  readonly path: string
  /**
   * Keeps spans. Resolves when they are in the file, from where no end of the process takes them; spans that are there
   * already are kept once. Writes that come together become one transaction.
   *
   * @throws {@link RunspanError} `store_unavailable` where another process holds the file for more than five seconds, the
   *   disk is full, or more than 100,000 spans wait; nothing of the call is kept then
   */
  write(spans: readonly StoredSpan[], options?: TenantOptions): Promise<void>
  /** Reads runs of one tenant. Closing the reader leaves the store open. */
  reader(options?: TenantOptions): RunReader
  /** Writes what waits, and closes the file. The second call returns the first one's promise. */
  close(): Promise<void>
}

const dayMillis = 86_400_000
const busyTimeoutMillis = 5_000
/** Spans that may wait for the next transaction. */
const maxWaitingSpans = 100_000
/** Spans of one transaction, more or less: others wait for it. */
const spansPerTransaction = 5_000
/** How often the bounds are looked at while spans come in, in milliseconds. */
const evictEveryMillis = 10_000

/**
 * Opens a span store: a file in which spans are kept and found again, without a server. Needs Node 22.13 or later.
 *
 * @param path of the file; its folder has to be there. `:memory:` is a store that ends with the process
 * @throws {@link RunspanError} `unsupported_node`; `bad_configuration` where an option cannot work, or the file is none
 *
 * @example
 * ```ts
 * import { openSpanStore } from 'runspan/readers'
 * import { startReceiver } from 'runspan/receiver'
 *
 * const store = await openSpanStore('runs.db', { maxAgeMillis: 24 * 3_600_000 })
 * const receiver = await startReceiver({ port: 4318, onSpans: (spans) => store.write(spans) })
 * const { items } = await store.reader().listRuns({ status: 'failed' })
 * console.log(receiver.url, items.length)
 * ```
 */
export async function openSpanStore(path: string, options: SpanStoreOptions = {}): Promise<SpanStore> {
  checkOptions('openSpanStore', options, optionNames)
  const { maxAgeMillis = 7 * dayMillis, maxBytes = 2 ** 30, survives = 'process', create = true } = options
  if (typeof path !== 'string' || path === '') throw unusable(JSON.stringify(path), 'it is no path. Name a file')
  if (!(maxAgeMillis >= 1)) throw unusable(path, `maxAgeMillis cannot be ${String(maxAgeMillis)}. Use 1 or more`)
  if (!(maxBytes >= 2 ** 20)) throw unusable(path, `maxBytes cannot be ${String(maxBytes)}. Use 1048576 or more`)
  const { DatabaseSync } = await loadSqlite()
  const { existsSync } = await import('node:fs')
  if (!create && path !== ':memory:' && !existsSync(path)) throw unusable(path, 'there is no such file')
  let database: Database | undefined
  try {
    database = new DatabaseSync(path)
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMillis}`)
    // Has an effect on a new file only, and before anything else is in it.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL')
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${survives === 'power' ? 'FULL' : 'NORMAL'}`)
    migrate(database, path)
    return new SqliteSpanStore(path, database, { maxAgeMillis, maxBytes }, options.clock ?? systemClock)
  } catch (error) {
    database?.close()
    throw RunspanError.is(error) ? error : unusable(path, messageOf(error), error)
  }
}

/** Opens a store without bounds that is gone when it is closed, and holds next to nothing in memory. */
export async function openTemporaryStore(): Promise<SqliteSpanStore> {
  const { DatabaseSync } = await loadSqlite()
  // No name: a file that SQLite takes out of its folder at once.
  const database = new DatabaseSync('')
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE')
  migrate(database, 'of a file')
  const bounds = { maxAgeMillis: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }
  return new SqliteSpanStore('of a file', database, bounds, systemClock)
}

function unusable(path: string, why: string, cause?: unknown): RunspanError {
  return new RunspanError('bad_configuration', `Failed to open the span store ${path}: ${why}.`, { cause })
}

interface WaitingWrite {
  readonly tenant: string
  readonly spans: readonly StoredSpan[]
  resolve(): void
  reject(error: unknown): void
}

/** A span store and what its file is read with. */
export class SqliteSpanStore implements SpanStore {
  readonly path: string
  readonly #database: Database
  readonly #bounds: Bounds
  readonly #clock: Clock
  readonly #rows: SpanRows
  readonly #writer: SpanWriter
  #waiting: WaitingWrite[] = []
  #waitingSpans = 0
  #flush: Promise<void> | undefined
  #evictedMillis: number
  #closed: Promise<void> | undefined

  constructor(path: string, database: Database, bounds: Bounds, clock: Clock) {
    this.path = path
    this.#database = database
    this.#bounds = bounds
    this.#clock = clock
    this.#rows = new SpanRows(database)
    this.#writer = new SpanWriter(database, this.#rows)
    // At the first write: a store may have grown old while nobody had it open.
    this.#evictedMillis = Number.NEGATIVE_INFINITY
  }

  write(spans: readonly StoredSpan[], { tenant = '' }: TenantOptions = {}): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#unavailable('it is closed'))
    if (spans.length === 0) return Promise.resolve()
    if (this.#waitingSpans > 0 && this.#waitingSpans + spans.length > maxWaitingSpans) {
      return Promise.reject(this.#unavailable(`${this.#waitingSpans} spans wait to be written. Try again later`))
    }
    this.#waitingSpans += spans.length
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ tenant, spans, resolve, reject }))
    this.#flush ??= this.#writeWaiting()
    return written
  }

  /** One transaction for what came in the same turn of the event loop. */
  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise(setImmediate)
      const batch: WaitingWrite[] = []
      let count = 0
      while (this.#waiting.length > 0 && count < spansPerTransaction) {
        const next = this.#waiting.shift()!
        batch.push(next)
        count += next.spans.length
      }
      this.#waitingSpans -= count
      this.#commit(batch)
    }
    this.#flush = undefined
  }

  #commit(batch: readonly WaitingWrite[]): void {
    const nowMillis = this.#clock.nowUnixMillis()
    try {
      this.#transaction(() => {
        for (const { tenant, spans } of batch) this.#writer.write(tenant, spans, nowMillis)
      })
    } catch (error) {
      this.#writer.forget()
      for (const waiting of batch) waiting.reject(this.#unavailable(messageOf(error), error))
      return
    }
    for (const waiting of batch) waiting.resolve()
    this.#evict(nowMillis)
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#database.exec('COMMIT')
    } catch (error) {
      rollBack(this.#database)
      throw error
    }
  }

  #evict(nowMillis: number): void {
    if (nowMillis - this.#evictedMillis < evictEveryMillis) return
    this.#evictedMillis = nowMillis
    try {
      if (!evict(this.#database, this.#bounds, nowMillis)) this.#evictedMillis = Number.NEGATIVE_INFINITY
    } catch (error) {
      // What was written is there; the bounds are looked at again.
      diag.warn(`runspan: failed to drop old traces from ${this.path}`, error)
    }
  }

  reader({ tenant = '' }: TenantOptions = {}): RunReader {
    return createRunReader(this.source(`the span store ${this.path}`, tenant), this.#clock)
  }

  /** The spans of one tenant. `beforeRead` is called before each question. */
  source(name: string, tenant: string, beforeRead = (): Promise<void> => Promise.resolve()): SqliteSource {
    return new SqliteSource(name, this.#database, this.#rows, tenant, () =>
      this.#closed === undefined ? beforeRead() : Promise.reject(this.#unavailable('it is closed')),
    )
  }

  #unavailable(why: string, cause?: unknown): RunspanError {
    return new RunspanError('store_unavailable', `Failed to use the span store ${this.path}: ${why}.`, { cause })
  }

  close(): Promise<void> {
    this.#closed ??= (this.#flush ?? Promise.resolve()).then(() => this.#database.close())
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** SQLite may have rolled back by itself: where the disk is full, say. */
function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // There is nothing left to roll back.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
