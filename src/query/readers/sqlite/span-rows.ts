import type { StatementSync } from 'node:sqlite'

import type { StoredResource, StoredSpan } from '../../stored-span.ts'
import type { Database } from './load-sqlite.ts'
import { readBody, readOrigin } from './span-body.ts'

const columns = 'span_id, start_ns, end_ns, origin, body'
/** How many resources and scopes are kept decoded. */
const maxOrigins = 1_000

/** Reads spans of one trace from the tables. */
export class SpanRows {
  readonly #origins = new Map<bigint, ReturnType<typeof readOrigin>>()
  readonly #outline: StatementSync
  readonly #first: StatementSync
  readonly #page: StatementSync
  readonly #one: StatementSync
  readonly #origin: StatementSync
  readonly #originIds: StatementSync
  readonly #status: StatementSync

  constructor(database: Database) {
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql)
      // Nanoseconds since the epoch are beyond what a number holds.
      statement.setReadBigInts(true)
      return statement
    }
    this.#outline = prepare(`SELECT ${columns} FROM span WHERE trace = ? AND is_outline = 1 ORDER BY start_ns, span_id`)
    this.#first = prepare(`SELECT ${columns} FROM span WHERE trace = ? ORDER BY start_ns, span_id LIMIT 1`)
    this.#page = prepare(
      `SELECT ${columns} FROM span WHERE trace = ? AND (start_ns, span_id) > (?, ?) ORDER BY start_ns, span_id LIMIT ?`,
    )
    this.#one = prepare(`SELECT ${columns} FROM span WHERE trace = ? AND span_id = ?`)
    this.#origin = prepare('SELECT body FROM origin WHERE id = ?')
    this.#originIds = prepare('SELECT DISTINCT origin FROM span WHERE trace = ?')
    this.#status = prepare('SELECT status FROM trace WHERE id = ?')
  }

  /** Whether the root of a run has come. */
  hasRoot(trace: number): boolean {
    const status = this.#status.get(trace)?.['status']
    return status !== undefined && status !== 'open'
  }

  /** Roots, segment roots, amendments, dispatch spans, and the first span. */
  outlineOf(trace: number | bigint, traceId: string): readonly StoredSpan[] {
    const outline = this.#outline.all(trace).map((row) => this.#spanOf(row, traceId))
    const first = this.#first.get(trace)
    return first === undefined || outline[0]?.spanId === first['span_id']
      ? outline
      : [this.#spanOf(first, traceId), ...outline]
  }

  /** Spans after another one, in the order in which they started; the first ones where there is no other. */
  pageOf(trace: number | bigint, traceId: string, after: StoredSpan | undefined, limit: number): readonly StoredSpan[] {
    const rows = this.#page.all(trace, after?.startUnixNano ?? -1n, after?.spanId ?? '', limit)
    return rows.map((row) => this.#spanOf(row, traceId))
  }

  /** Each resource of a trace's spans, some more than once: with every scope that has it. */
  resourcesOf(trace: number | bigint): readonly StoredResource[] {
    return this.#originIds.all(trace).map((row) => this.#originOf(row['origin'] as bigint).resource)
  }

  spanOf(trace: number | bigint, traceId: string, spanId: string): StoredSpan | undefined {
    const row = this.#one.get(trace, spanId)
    return row === undefined ? undefined : this.#spanOf(row, traceId)
  }

  #spanOf(row: Record<string, unknown>, traceId: string): StoredSpan {
    return readBody(
      row['body'] as string,
      {
        traceId,
        spanId: row['span_id'] as string,
        startUnixNano: row['start_ns'] as bigint,
        endUnixNano: row['end_ns'] as bigint,
      },
      this.#originOf(row['origin'] as bigint),
    )
  }

  #originOf(id: bigint): ReturnType<typeof readOrigin> {
    let origin = this.#origins.get(id)
    if (origin === undefined) {
      if (this.#origins.size >= maxOrigins) this.#origins.clear()
      const body = this.#origin.get(id)?.['body']
      origin = typeof body === 'string' ? readOrigin(body) : { resource: { attributes: {} }, scope: { name: '' } }
      this.#origins.set(id, origin)
    }
    return origin
  }
}
