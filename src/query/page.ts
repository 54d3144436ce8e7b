import { RunspanError } from '../errors.ts'

/** Most items that one page may have; more are refused. */
export const maxPageLimit = 1_000
const defaultPageLimit = 500
const defaultMaxPages = 100

/** Which part of an answer is wanted. */
export interface PageRequest {
  /** How many items to pass over, at least 0. @defaultValue 0 */
  readonly offset?: number | undefined
  /** How many items at most, from 1 to 1,000. More are refused, never cut without a word. @defaultValue 500 */
  readonly limit?: number | undefined
}

/**
 * What may be missing from a page.
 *
 * - `cut`: the store looks through a bounded number of traces, and there were more. A narrower filter finds the rest.
 * - `evicted`: the store has dropped its oldest runs, and the filter reaches back to them.
 */
export type PageFlag = 'cut' | 'evicted'

/** A part of an answer. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly offset: number
  readonly limit: number
  /** How many items all pages have together; `undefined` where the store does not know. */
  readonly total: number | undefined
  readonly hasMore: boolean
  /** What may be missing; nothing where this is empty. */
  readonly flags: readonly PageFlag[]
}

/**
 * Fills in a page request.
 *
 * @throws {@link RunspanError} `bad_request` where it asks for what no page can be
 */
export function checkedPage({ offset = 0, limit = defaultPageLimit }: PageRequest): Required<PageRequest> & {
  offset: number
  limit: number
} {
  if (!Number.isSafeInteger(offset) || offset < 0) throw unusable('offset', offset, 'Use 0 or more')
  return { offset, limit: checkedLimit('limit', limit) }
}

/** @throws {@link RunspanError} `bad_request` where it is no number from 1 to 1,000 */
export function checkedLimit(name: string, limit: number = defaultPageLimit): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > maxPageLimit) {
    throw unusable(name, limit, `Use 1 to ${maxPageLimit}`)
  }
  return limit
}

/** @throws {@link RunspanError} `bad_request` where it is no number of pages */
export function checkedMaxPages(maxPages: number = defaultMaxPages): number {
  if (maxPages !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(maxPages) || maxPages < 1)) {
    throw unusable('maxPages', maxPages, 'Use 1 or more')
  }
  return maxPages
}

function unusable(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError('bad_request', `Failed to read: ${name} cannot be ${String(value)}. ${advice}.`)
}

/** A walk came to its bound. Everything up to it has been handed out. */
export function tooManyPages(what: string, maxPages: number, readCount: number): RunspanError {
  return new RunspanError(
    'too_many_pages',
    `Failed to read all of ${what}: there are more than ${maxPages} pages, and ${readCount} items have been read. ` +
      `Raise maxPages or the page size.`,
  )
}

/** How far {@link walkPages} goes. */
export interface WalkPagesOptions {
  /** Items per page, from 1 to 1,000. @defaultValue 500 */
  readonly pageSize?: number | undefined
  /** Pages to read at most. @defaultValue 100 */
  readonly maxPages?: number | undefined
}

/**
 * Walks an answer page by page, and holds one page at a time.
 *
 * @yields every item
 * @throws {@link RunspanError} `too_many_pages` where there is another page after the last one allowed
 *
 * @example
 * ```ts
 * import { walkPages, type RunReader } from 'runspan/query'
 *
 * export async function failedRuns(reader: RunReader): Promise<string[]> {
 *   const runs = walkPages((page) => reader.listRuns({ status: 'failed' }, page))
 *   const ids: string[] = []
 *   for await (const { runId } of runs) ids.push(runId)
 *   return ids
 * }
 * ```
 */
export async function* walkPages<T>(
  read: (page: { readonly offset: number; readonly limit: number }) => Promise<Page<T>>,
  options: WalkPagesOptions = {},
): AsyncGenerator<T, void, undefined> {
  const limit = checkedLimit('pageSize', options.pageSize)
  const maxPages = checkedMaxPages(options.maxPages)
  let offset = 0
  for (let pages = 1; ; pages++) {
    const { items, hasMore } = await read({ offset, limit })
    yield* items
    offset += items.length
    if (!hasMore) return
    if (pages === maxPages) throw tooManyPages('the pages', maxPages, offset)
  }
}
