import { systemClock, type Clock } from '../internal/clock.ts'
import { RunspanError } from '../errors.ts'
import { listedRunOf, storedRunOf } from './listed-run.ts'
import { checkedLimit, checkedMaxPages, checkedPage, tooManyPages, type Page, type PageRequest } from './page.ts'
import { readFamily } from './read-family.ts'
import { readForeignWork } from './read-foreign-work.ts'
import { readReviews } from './read-reviews.ts'
import { findThreads, readThread } from './read-thread.ts'
import { dispatcherOf, resolveRun, runIdOf } from './resolve-run.ts'
import { normalised, type RunFilter } from './run-filter.ts'
import type {
  FamilyOptions,
  GetRunOptions,
  IterateSpansOptions,
  ListedRun,
  ListedThread,
  ParentRun,
  Review,
  RunReader,
  StoredFamily,
  StoredRun,
  StoredThread,
  ThreadFilter,
  ThreadOptions,
} from './run-reader.ts'
import { runKeyOf } from './run-key.ts'
import { runTreeOf } from './run-tree.ts'
import type { SpanSource } from './span-source.ts'
import type { StoredSpan } from './stored-span.ts'

const defaultMaxSpans = 100_000

/**
 * Makes a reader of runs from a store of spans.
 *
 * @param clock what "now" is for idle threads
 */
export function createRunReader(source: SpanSource, clock: Clock = systemClock): RunReader {
  return new SourceReader(source, clock)
}

class SourceReader implements RunReader {
  readonly #source: SpanSource
  readonly #clock: Clock

  constructor(source: SpanSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  get name(): string {
    return this.#source.name
  }

  async getRun(runId: string, { maxSpans = defaultMaxSpans }: GetRunOptions = {}): Promise<StoredRun | undefined> {
    if (!Number.isSafeInteger(maxSpans) || maxSpans < 0) {
      throw new RunspanError(
        'bad_request',
        `Failed to read a run: maxSpans cannot be ${String(maxSpans)}. Use 0 or more.`,
      )
    }
    const found = await resolveRun(this.#source, runIdOf(runId), maxSpans)
    if (found === undefined) return undefined
    return storedRunOf(found.trace, found.foundBy, await readForeignWork(this.#source, found.trace))
  }

  async listRuns(filter: RunFilter = {}, page: PageRequest = {}): Promise<Page<ListedRun>> {
    const { offset, limit } = checkedPage(page)
    const { traces, total, hasMore, flags } = await this.#source.findRuns(normalised(filter), offset, limit)
    return { items: traces.map(listedRunOf), offset, limit, total, hasMore, flags }
  }

  async *iterateSpans(runId: string, options: IterateSpansOptions = {}): AsyncGenerator<StoredSpan, void, undefined> {
    const pageSize = checkedLimit('pageSize', options.pageSize)
    const maxPages = checkedMaxPages(options.maxPages)
    const found = await resolveRun(this.#source, runIdOf(runId), 0)
    if (found === undefined) return
    let pages = 0
    let count = 0
    for await (const page of this.#source.readPages(found.trace.traceId, pageSize)) {
      if (pages === maxPages) throw tooManyPages(`run ${found.trace.traceId}`, maxPages, count)
      yield* page
      pages++
      count += page.length
    }
  }

  children(runId: string, page: PageRequest = {}): Promise<Page<ListedRun>> {
    return this.listRuns({ parentRunId: runIdOf(runId) }, page)
  }

  async parent(runId: string): Promise<ParentRun | undefined> {
    const key = runIdOf(runId)
    const found = await resolveRun(this.#source, key, 0)
    const tree = found === undefined ? undefined : runTreeOf(found.trace.traceId, found.trace.outline)
    if (tree?.parentRunId !== undefined) return this.#namedParent(tree.parentRunId)
    if (tree?.root !== undefined) return undefined
    const by = await dispatcherOf(this.#source, found?.trace.traceId ?? key)
    return by && { runId: by.traceId, namedBy: 'dispatch', run: listedRunOf(by) }
  }

  async #namedParent(named: string): Promise<ParentRun> {
    const found = await resolveRun(this.#source, runKeyOf(named), 0)
    return { runId: found?.trace.traceId ?? named, namedBy: 'child', run: found && listedRunOf(found.trace) }
  }

  family(runId: string, options: FamilyOptions = {}): Promise<StoredFamily | undefined> {
    return readFamily(this.#source, runIdOf(runId), options)
  }

  async listThreads(filter: ThreadFilter = {}, page: PageRequest = {}): Promise<Page<ListedThread>> {
    const { offset, limit } = checkedPage(page)
    const asOfUnixMillis = filter.asOfUnixMillis ?? this.#clock.nowUnixMillis()
    return findThreads(this.#source, { ...filter, asOfUnixMillis }, offset, limit)
  }

  thread(conversationId: string, options: ThreadOptions = {}): Promise<StoredThread | undefined> {
    return readThread(this.#source, conversationId, options)
  }

  reviews(runId: string): Promise<readonly Review[]> {
    return readReviews(this.#source, runIdOf(runId))
  }

  close(): Promise<void> {
    return this.#source.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
