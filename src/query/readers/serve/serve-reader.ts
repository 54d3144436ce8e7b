import { checkOptions } from '../../../check-options.ts'
import { RunspanError } from '../../../errors.ts'
import { checkedLimit, checkedMaxPages, checkedPage, tooManyPages, type Page, type PageRequest } from '../../page.ts'
import { runIdOf } from '../../resolve-run.ts'
import { toFilterParams } from '../../run-filter-params.ts'
import type { RunFilter } from '../../run-filter.ts'
import { fromRunJson, runJsonVersion } from '../../run-json.ts'
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
} from '../../run-reader.ts'
import type { StoredSpan } from '../../stored-span.ts'
import { BackendClient } from '../http/backend-client.ts'
import { backendOptionNames, type BackendOptions } from '../http/backend-options.ts'

/**
 * Reads runs from a `runspan serve`, over its HTTP API.
 *
 * @param url its base address: `http://127.0.0.1:4318`
 * @throws {@link RunspanError} `bad_configuration` where the address or an option cannot work
 */
export function createServeReader(url: string | URL, options: BackendOptions = {}): RunReader {
  checkOptions('createServeReader', options, backendOptionNames)
  return new ServeReader(new BackendClient('a Runspan server', url, options))
}

type Params = Readonly<Record<string, string | number | undefined>>

class ServeReader implements RunReader {
  readonly name: string
  readonly #client: BackendClient

  constructor(client: BackendClient) {
    this.name = `runspan serve at ${client.url}`
    this.#client = client
  }

  async #get<T>(path: string, params: Params = {}): Promise<T | undefined> {
    const query = queryOf(params)
    const { status, bytes } = await this.#client.get(`api/v${runJsonVersion}/${path}`, query, [400, 404])
    let answer: unknown
    try {
      answer = JSON.parse(new TextDecoder().decode(bytes))
    } catch (error) {
      throw this.#client.odd('it answers no JSON', error)
    }
    if (status === 200) return fromRunJson(answer) as T
    const { error } = answer as { readonly error?: { readonly code?: string; readonly message?: string } }
    if (status === 400)
      throw new RunspanError('bad_request', error?.message ?? 'Failed to read: the question was refused.')
    if (error?.code !== 'not_found') throw this.#client.odd('it has no such path')
    return undefined
  }

  /** Reads what is always there. */
  async #must<T>(path: string, params: Params): Promise<T> {
    const answer = await this.#get<T>(path, params)
    if (answer === undefined) throw this.#client.odd(`it has no ${path}`)
    return answer
  }

  getRun(runId: string, { maxSpans }: GetRunOptions = {}): Promise<StoredRun | undefined> {
    return this.#ofRun(runId, '', { maxSpans })
  }

  async #ofRun<T>(runId: string, path: string, params: Params = {}): Promise<T | undefined> {
    return this.#get<T>(`runs/${runIdOf(runId)}${path}`, params)
  }

  async listRuns(filter: RunFilter = {}, page: PageRequest = {}): Promise<Page<ListedRun>> {
    return this.#must('runs', { ...toFilterParams(filter), ...checkedPage(page) })
  }

  async *iterateSpans(runId: string, options: IterateSpansOptions = {}): AsyncGenerator<StoredSpan, void, undefined> {
    const pageSize = checkedLimit('pageSize', options.pageSize)
    const maxPages = checkedMaxPages(options.maxPages)
    let count = 0
    // The server sends as fast as it is read: pages are a matter of how much may be read.
    for await (const line of this.#client.lines(`api/v${runJsonVersion}/runs/${runIdOf(runId)}/spans`, {})) {
      if (count === pageSize * maxPages) throw tooManyPages(`run ${runId}`, maxPages, count)
      yield fromRunJson(JSON.parse(line)) as StoredSpan
      count++
    }
  }

  async children(runId: string, page: PageRequest = {}): Promise<Page<ListedRun>> {
    return this.#must(`runs/${runIdOf(runId)}/children`, { ...checkedPage(page) })
  }

  parent(runId: string): Promise<ParentRun | undefined> {
    return this.#ofRun(runId, '/parent')
  }

  family(runId: string, { maxRuns }: FamilyOptions = {}): Promise<StoredFamily | undefined> {
    return this.#ofRun(runId, '/family', { maxRuns })
  }

  async listThreads(filter: ThreadFilter = {}, page: PageRequest = {}): Promise<Page<ListedThread>> {
    return this.#must('threads', { ...filter, ...checkedPage(page) })
  }

  thread(conversationId: string, options: ThreadOptions = {}): Promise<StoredThread | undefined> {
    return this.#get(`threads/${encodeURIComponent(conversationId)}`, { ...options })
  }

  async reviews(runId: string): Promise<readonly Review[]> {
    return this.#must(`runs/${runIdOf(runId)}/reviews`, {})
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function queryOf(params: Params): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
}
