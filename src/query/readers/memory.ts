import { checkOptions } from '../../check-options.ts'
import { createRunReader } from '../create-run-reader.ts'
import type { RunReader } from '../run-reader.ts'
import type { StoredSpan } from '../stored-span.ts'
import { MemorySource, type MemorySourceOptions } from './memory-source.ts'

/** A reader of spans that this process holds. */
export interface MemoryReader extends RunReader {
  /** Takes more spans, in any order; copies are dropped. */
  write(spans: Iterable<StoredSpan>): void
}

/**
 * Reads runs from spans in memory: for tests, and for what a receiver in this process has taken.
 *
 * @throws {@link RunspanError} `bad_configuration` where `maxSpans` is no number of spans, or there is no such option
 *
 * @example
 * ```ts
 * import { createMemoryReader } from 'runspan/readers'
 * import { startReceiver } from 'runspan/receiver'
 *
 * const reader = createMemoryReader()
 * const receiver = await startReceiver({ onSpans: (spans) => reader.write(spans) })
 * // … agents run …
 * for (const { runId, status } of (await reader.listRuns()).items) console.log(runId, status)
 * await receiver.close()
 * ```
 */
export function createMemoryReader(spans: Iterable<StoredSpan> = [], options: MemorySourceOptions = {}): MemoryReader {
  checkOptions('createMemoryReader', options, { maxSpans: true })
  const source = new MemorySource(options)
  source.write(spans)
  return Object.assign(createRunReader(source), { write: (more: Iterable<StoredSpan>) => source.write(more) })
}
