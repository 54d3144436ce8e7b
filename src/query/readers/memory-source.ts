import { RunspanError } from '../../errors.ts'
import { RecentKeys } from '../../internal/recent-keys.ts'
import { textAt } from '../attribute-values.ts'
import { findAmong } from '../find-among.ts'
import type { RunFilter } from '../run-filter.ts'
import { runKeyOf } from '../run-key.ts'
import type { FoundTraces, NamingKey, SpanSource, StoredTrace } from '../span-source.ts'
import { spansByTrace } from '../spans-by-trace.ts'
import { storedTraceOf } from '../stored-trace.ts'
import type { StoredSpan } from '../stored-span.ts'

/** Options of {@link MemorySource}. */
export interface MemorySourceOptions {
  /** Spans that are kept; beyond it whole traces go, the one that got its last span first goes first. @defaultValue 1_000_000 */
  readonly maxSpans?: number | undefined
}

/** How many ids of traces that were dropped are remembered, so that what comes later is known to be a rest. */
const maxEvictedIds = 10_000

/** Spans in the memory of this process. */
export class MemorySource implements SpanSource {
  readonly name = 'spans in memory'
  readonly #maxSpans: number
  /** In the order in which they got their last span. */
  readonly #traces = new Map<string, { spans: StoredSpan[]; trace: StoredTrace | undefined }>()
  readonly #evicted = new RecentKeys(maxEvictedIds)
  #spanCount = 0
  #hasEvicted = false

  constructor({ maxSpans = 1_000_000 }: MemorySourceOptions = {}) {
    if (!Number.isSafeInteger(maxSpans) || maxSpans < 1) {
      throw new RunspanError(
        'bad_configuration',
        `Failed to keep spans in memory: maxSpans cannot be ${String(maxSpans)}. Use 1 or more.`,
      )
    }
    this.#maxSpans = maxSpans
  }

  /** Takes spans, in any order; copies are dropped. */
  write(spans: Iterable<StoredSpan>): void {
    for (const span of spans) {
      const there = this.#traces.get(span.traceId)
      if (there === undefined) this.#traces.set(span.traceId, { spans: [span], trace: undefined })
      else {
        this.#traces.delete(span.traceId)
        this.#traces.set(span.traceId, there)
        there.spans.push(span)
        there.trace = undefined
      }
      this.#spanCount++
    }
    for (const [traceId, { spans: dropped }] of this.#traces) {
      if (this.#spanCount <= this.#maxSpans || this.#traces.size === 1) break
      this.#traces.delete(traceId)
      this.#spanCount -= dropped.length
      this.#evicted.add(traceId)
      this.#hasEvicted = true
    }
  }

  #trace(traceId: string): StoredTrace | undefined {
    const there = this.#traces.get(traceId)
    if (there === undefined) return undefined
    if (there.trace === undefined) {
      const spans = spansByTrace(there.spans).get(traceId)!
      this.#spanCount -= there.spans.length - spans.length
      there.spans = [...spans]
      there.trace = { ...storedTraceOf(traceId, spans), isEvicted: this.#hasEvicted && this.#evicted.has(traceId) }
    }
    return there.trace
  }

  readTrace(traceId: string, maxSpans: number): Promise<StoredTrace | undefined> {
    const trace = this.#trace(traceId)
    return Promise.resolve(trace && { ...trace, spans: trace.spans.slice(0, maxSpans) })
  }

  async *readPages(traceId: string, pageSize: number): AsyncGenerator<readonly StoredSpan[], void, undefined> {
    const spans = this.#trace(traceId)?.spans ?? []
    for (let at = 0; at < spans.length; at += pageSize) yield spans.slice(at, at + pageSize)
  }

  findRuns(filter: RunFilter, offset: number, limit: number): Promise<FoundTraces> {
    return Promise.resolve(
      findAmong(this.#all(), filter, offset, limit, this.#hasEvicted && !isAboutOne(filter) ? ['evicted'] : []),
    )
  }

  *#all(): Generator<StoredTrace> {
    for (const traceId of this.#traces.keys()) yield this.#trace(traceId)!
  }

  findNaming(key: NamingKey, runId: string): Promise<readonly StoredSpan[]> {
    const found: StoredSpan[] = []
    for (const { spans } of this.#all()) {
      for (const span of spans) {
        const named = textAt(span.attributes, key)
        if (named !== undefined && runKeyOf(named) === runId) found.push(span)
      }
    }
    return Promise.resolve(found)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A question about one run's relations, not about what there is. */
function isAboutOne({ requestedRunId, firstRunId }: RunFilter): boolean {
  return requestedRunId !== undefined || firstRunId !== undefined
}
