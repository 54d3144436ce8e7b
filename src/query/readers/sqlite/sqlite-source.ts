import type { StatementSync } from 'node:sqlite'

import { foreignWorkOf, isOfOneProcess, maxForeignSpans, type ForeignWork } from '../../foreign-parts.ts'
import type { PageFlag } from '../../page.ts'
import { nanosOf, type RunFilter } from '../../run-filter.ts'
import type { ListedThread } from '../../run-reader.ts'
import type {
  FoundThreads,
  FoundTraces,
  NamingKey,
  SpanSource,
  StoredTrace,
  ThreadQuery,
  TraceOutline,
} from '../../span-source.ts'
import { byStart } from '../../spans-by-trace.ts'
import type { StoredSpan } from '../../stored-span.ts'
import type { CostSource } from '../../totals.ts'
import type { Database } from './load-sqlite.ts'
import { groupThreads, whereRuns, type SqlValue } from './run-query.ts'
import type { SpanRows } from './span-rows.ts'

/** What the tables say of a trace. */
type TraceRow = Readonly<Record<string, unknown>>

const traceColumns = 'id, trace_id, span_count, last_ns, is_marked, is_evicted'
/** Prepared queries that are kept: filters come in few shapes. */
const maxStatements = 200

/** The spans of one tenant in a span store. */
export class SqliteSource implements SpanSource {
  readonly name: string
  readonly #database: Database
  readonly #rows: SpanRows
  readonly #tenant: string
  readonly #beforeRead: () => Promise<void>
  readonly #statements = new Map<string, StatementSync>()

  /**
   * @param beforeRead called before each question
   */
  constructor(name: string, database: Database, rows: SpanRows, tenant: string, beforeRead: () => Promise<void>) {
    this.name = name
    this.#database = database
    this.#rows = rows
    this.#tenant = tenant
    this.#beforeRead = beforeRead
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      if (this.#statements.size >= maxStatements) this.#statements.clear()
      statement = this.#database.prepare(sql)
      statement.setReadBigInts(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #get(sql: string, ...values: readonly SqlValue[]): TraceRow | undefined {
    return this.#prepare(sql).get(...values)
  }

  #traceRow(traceId: string): TraceRow | undefined {
    return this.#get(`SELECT ${traceColumns} FROM trace WHERE trace_id = ? AND tenant = ?`, traceId, this.#tenant)
  }

  #outlineOf(row: TraceRow): TraceOutline {
    const traceId = row['trace_id'] as string
    const id = row['id'] as bigint
    const outline = this.#rows.outlineOf(id, traceId)
    return {
      traceId,
      outline,
      lastEndUnixNano: row['last_ns'] as bigint,
      isMarked: row['is_marked'] === 1n,
      isTruncated: false,
      isEvicted: row['is_evicted'] === 1n,
      foreignWork: () => this.#foreignWorkOf(id, traceId, outline),
    }
  }

  /** Reads the spans only where several services have worked on them, or nobody reports any numbers. */
  #foreignWorkOf(id: bigint, traceId: string, outline: readonly StoredSpan[]): ForeignWork | undefined {
    if (isOfOneProcess(this.#rows.resourcesOf(id), outline)) return undefined
    return foreignWorkOf(this.#rows.pageOf(id, traceId, undefined, maxForeignSpans + 1))
  }

  async readTrace(traceId: string, maxSpans: number): Promise<StoredTrace | undefined> {
    await this.#beforeRead()
    const row = this.#traceRow(traceId)
    if (row === undefined) return undefined
    const spans = maxSpans === 0 ? [] : this.#rows.pageOf(row['id'] as bigint, traceId, undefined, maxSpans)
    return { ...this.#outlineOf(row), spans, spanCount: Number(row['span_count']) }
  }

  async *readPages(traceId: string, pageSize: number): AsyncGenerator<readonly StoredSpan[], void, undefined> {
    await this.#beforeRead()
    const row = this.#traceRow(traceId)
    if (row === undefined) return
    let after: StoredSpan | undefined
    for (;;) {
      const page = this.#rows.pageOf(row['id'] as bigint, traceId, after, pageSize)
      if (page.length > 0) yield page
      if (page.length < pageSize) return
      after = page.at(-1)
    }
  }

  async findRuns(filter: RunFilter, offset: number, limit: number): Promise<FoundTraces> {
    await this.#beforeRead()
    const { sql, values } = whereRuns(this.#tenant, filter)
    const rows = this.#prepare(
      `SELECT ${traceColumns} FROM trace WHERE ${sql} ORDER BY start_ns DESC, trace_id LIMIT ? OFFSET ?`,
    ).all(...values, limit, offset)
    // A page that is not full knows how many there are.
    const total =
      rows.length < limit && (rows.length > 0 || offset === 0)
        ? offset + rows.length
        : Number(this.#get(`SELECT count(*) AS n FROM trace WHERE ${sql}`, ...values)!['n'])
    return {
      traces: rows.map((row) => this.#outlineOf(row)),
      total,
      hasMore: total > offset + rows.length,
      flags: this.#flagsOf(filter.fromUnixMillis),
    }
  }

  #flagsOf(fromUnixMillis: number | undefined): readonly PageFlag[] {
    const horizon = this.#get('SELECT start_ns FROM horizon WHERE tenant = ?', this.#tenant)?.['start_ns']
    if (horizon === undefined) return []
    return fromUnixMillis === undefined || nanosOf(fromUnixMillis) <= (horizon as bigint) ? ['evicted'] : []
  }

  async findNaming(key: NamingKey, runId: string): Promise<readonly StoredSpan[]> {
    await this.#beforeRead()
    const rows = this.#prepare(
      `SELECT naming.trace, naming.span_id, trace.trace_id FROM naming JOIN trace ON trace.id = naming.trace
       WHERE naming.run_id = ? AND naming.key = ? AND naming.tenant = ?`,
    ).all(runId, key, this.#tenant)
    return rows
      .map((row) => this.#rows.spanOf(row['trace'] as bigint, row['trace_id'] as string, row['span_id'] as string))
      .filter((span) => span !== undefined)
      .toSorted(byStart)
  }

  async findThreads(query: ThreadQuery, offset: number, limit: number): Promise<FoundThreads> {
    await this.#beforeRead()
    const { sql, values } = groupThreads(this.#tenant, query)
    const rows = this.#prepare(`${sql} ORDER BY active_ns DESC, conversation_id LIMIT ? OFFSET ?`).all(
      ...values,
      limit,
      offset,
    )
    const total = Number(this.#get(`SELECT count(*) AS n FROM (${sql})`, ...values)!['n'])
    return {
      threads: rows.map(threadOf),
      total,
      hasMore: total > offset + rows.length,
      flags: this.#flagsOf(undefined),
    }
  }

  /** The store belongs to whoever opened it. */
  close(): Promise<void> {
    return Promise.resolve()
  }
}

function threadOf(row: TraceRow): ListedThread {
  const count = (column: string): number => Number(row[column])
  const sources = count('sources')
  return {
    conversationId: row['conversation_id'] as string,
    agents: namesOf(row['agents']),
    userIds: namesOf(row['users']),
    runCount: count('runs'),
    startUnixNano: row['start_ns'] as bigint,
    lastActiveUnixNano: row['active_ns'] as bigint,
    totals: {
      inputTokens: count('input_tokens'),
      outputTokens: count('output_tokens'),
      cacheReadInputTokens: count('cache_read_tokens'),
      cacheWriteInputTokens: count('cache_write_tokens'),
      reasoningOutputTokens: count('reasoning_tokens'),
      costNanoUsd: (row['cost_nano_usd'] as bigint | null) ?? undefined,
      costSource: sources === 0 ? undefined : sources === 1 ? (row['cost_source'] as CostSource) : 'mixed',
      llmCalls: count('llm_calls'),
      unpricedCalls: count('unpriced_calls'),
      toolCalls: count('tool_calls'),
      errors: count('errors'),
      spans: count('spans'),
    },
  }
}

/** The names in a list of JSON, sorted as readers do, without what is absent. */
function namesOf(json: unknown): readonly string[] {
  const names = JSON.parse(json as string) as (string | null)[]
  return names.filter((name) => name !== null).toSorted()
}
