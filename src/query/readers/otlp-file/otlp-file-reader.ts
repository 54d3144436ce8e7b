import { diag } from '@opentelemetry/api'

import { RunspanError } from '../../../errors.ts'
import { createRunReader } from '../../create-run-reader.ts'
import { decodeLogs } from '../../otlp/decode-json-logs.ts'
import { decodeRequest, parseRequest } from '../../otlp/decode-json.ts'
import { OtlpError } from '../../otlp/otlp-error.ts'
import { SpanBatch } from '../../otlp/span-batch.ts'
import type { RunReader } from '../../run-reader.ts'
import { openTemporaryStore, type SqliteSpanStore } from '../sqlite/span-store.ts'
import { readLines, type FilePosition } from './read-lines.ts'

/** A reader of a file of spans. */
export interface OtlpFileReader extends RunReader {
  /** Lines that could not be read; they are left out. */
  readonly damagedLineCount: number
}

/** A line holds as many spans as a batch; ten times what a request may have. */
const maxItemsPerLine = 10_000_000

/**
 * Reads runs from a file of OTLP JSON, one request per line: what the Collector's `file` exporter writes. Of lines of logs
 * the reviews of runs are read; lines of metrics are passed over. The file may grow while it is read: each question sees what is in it by then.
 *
 * The spans are sorted into a temporary database on disk when the first question is asked, so a file may be much larger
 * than memory; it takes about as much disk again. Needs Node 22.13 or later.
 *
 * @throws {@link RunspanError} `unsupported_node`; `bad_configuration` where the file cannot be read
 *
 * @example
 * ```ts
 * import { openOtlpFileReader } from 'runspan/readers'
 *
 * await using reader = await openOtlpFileReader('traces.jsonl')
 * console.log((await reader.listRuns()).total, reader.damagedLineCount)
 * ```
 */
export async function openOtlpFileReader(path: string): Promise<OtlpFileReader> {
  const file = new OtlpFile(path, await openTemporaryStore())
  try {
    await file.catchUp()
  } catch (error) {
    await file.close()
    const why = error instanceof Error ? error.message : String(error)
    throw new RunspanError('bad_configuration', `Failed to read spans from ${path}: ${why}.`, { cause: error })
  }
  const close = (): Promise<void> => file.close()
  const reader = createRunReader(file.store.source(`the file ${path}`, '', () => file.catchUp()))
  Object.defineProperty(reader, 'damagedLineCount', { get: () => file.damagedLineCount, enumerable: true })
  return Object.assign(reader, { close, [Symbol.asyncDispose]: close }) as RunReader as OtlpFileReader
}

/** A file, and the store that has its spans. */
class OtlpFile {
  readonly store: SqliteSpanStore
  damagedLineCount = 0
  readonly #path: string
  #position: FilePosition | undefined
  #reading: Promise<void> | undefined

  constructor(path: string, store: SqliteSpanStore) {
    this.#path = path
    this.store = store
  }

  /** Takes what is new in the file. Questions that come together wait for one reading. */
  catchUp(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #read(): Promise<void> {
    this.#position = await readLines(this.#path, this.#position, (line) => this.#take(line))
  }

  async #take(line: Uint8Array): Promise<void> {
    if (line.length === 0) return
    try {
      const request = parseRequest(line, { maxItems: maxItemsPerLine })
      const { spans } = decodeLogs(request, decodeRequest(request, new SpanBatch(maxItemsPerLine)))
      await this.store.write(spans)
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error
      if (this.damagedLineCount++ === 0) diag.warn(`runspan: a line of ${this.#path} is left out: ${error.message}`)
    }
  }

  close(): Promise<void> {
    return this.store.close()
  }
}
