import type { StatementSync } from 'node:sqlite'

import { ATTR_RUNSPAN_CHILD_RUN_ID, ATTR_RUNSPAN_TARGET_RUN_ID } from '../../../attributes.ts'
import { textAt } from '../../attribute-values.ts'
import { searchTextOf } from '../../run-filter.ts'
import { runKeyOf } from '../../run-key.ts'
import { runTreeOf } from '../../run-tree.ts'
import { isOfRun } from '../../run-trees.ts'
import { byStart } from '../../spans-by-trace.ts'
import type { StoredResource, StoredScope, StoredSpan } from '../../stored-span.ts'
import { isOutlineSpan } from '../../stored-trace.ts'
import type { Database } from './load-sqlite.ts'
import { writeBody, writeOrigin } from './span-body.ts'
import type { SpanRows } from './span-rows.ts'

const namingKeys = [ATTR_RUNSPAN_CHILD_RUN_ID, ATTR_RUNSPAN_TARGET_RUN_ID] as const
/** SQLite's integers are signed. A time beyond them is no time. */
const largestInteger = 2n ** 63n - 1n
/** How many resources and scopes are known by their row. */
const maxOrigins = 10_000
/** How often a row says that it is still in use, in milliseconds. */
export const originTouchMillis = 3_600_000

/** A row of the span table, in the order of its columns. */
type SpanValues = readonly [
  trace: number,
  spanId: string,
  start: bigint,
  end: bigint,
  isOutline: number,
  weight: number,
  origin: number | bigint,
  body: string,
]

/** Writes spans into the tables, inside a transaction of the caller's. */
export class SpanWriter {
  readonly #rows: SpanRows
  readonly #origins = new Map<string, { readonly id: number | bigint; readonly touchedMillis: number }>()
  #lastOrigin: { resource: StoredResource; scope: StoredScope; id: number | bigint } | undefined
  readonly #upsertTrace: StatementSync
  readonly #insertSpan: StatementSync
  readonly #replaceSpan: StatementSync
  readonly #upsertOrigin: StatementSync
  readonly #insertNaming: StatementSync
  readonly #countSpans: StatementSync
  readonly #describe: StatementSync

  constructor(database: Database, rows: SpanRows) {
    this.#rows = rows
    this.#upsertTrace = database.prepare(`
      INSERT INTO trace (tenant, trace_id, last_ns, written_ms, is_marked, is_evicted)
      VALUES (?, ?, ?, ?, 0, EXISTS (SELECT 1 FROM evicted WHERE trace_id = ? AND tenant = ?))
      ON CONFLICT (trace_id, tenant) DO UPDATE SET
        last_ns = max(last_ns, excluded.last_ns),
        written_ms = excluded.written_ms
      RETURNING id, span_count`)
    this.#insertSpan = database.prepare(`
      INSERT INTO span (trace, span_id, start_ns, end_ns, is_outline, weight, origin, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace, span_id) DO NOTHING`)
    // Copies are alike. Two that are not are a root that was written twice: the later end knows more, then more attributes.
    this.#replaceSpan = database.prepare(`
      UPDATE span SET start_ns = ?, end_ns = ?, is_outline = ?, weight = ?, origin = ?, body = ?
      WHERE trace = ? AND span_id = ? AND (end_ns, weight, body) < (?, ?, ?)`)
    this.#upsertOrigin = database.prepare(`
      INSERT INTO origin (body, used_ms) VALUES (?, ?)
      ON CONFLICT (body) DO UPDATE SET used_ms = excluded.used_ms RETURNING id`)
    this.#insertNaming = database.prepare(
      'INSERT OR IGNORE INTO naming (key, run_id, tenant, trace, span_id) VALUES (?, ?, ?, ?, ?)',
    )
    this.#countSpans = database.prepare('UPDATE trace SET span_count = span_count + ? WHERE id = ?')
    this.#describe = database.prepare(`
      UPDATE trace SET span_count = span_count + ?, is_marked = max(is_marked, ?), start_ns = ?, agent = ?, service = ?, user_id = ?, conversation_id = ?, status = ?,
        parent_id = ?, root_id = ?, requested_id = ?, first_id = ?, search = ?, cost_nano_usd = ?, cost_source = ?,
        input_tokens = ?, output_tokens = ?, cache_read_tokens = ?, cache_write_tokens = ?, reasoning_tokens = ?,
        llm_calls = ?, unpriced_calls = ?, tool_calls = ?, errors = ?, spans = ?
      WHERE id = ?`)
  }

  /** Forgets what a transaction that was rolled back may have made up. */
  forget(): void {
    this.#origins.clear()
    this.#lastOrigin = undefined
  }

  write(tenant: string, spans: readonly StoredSpan[], nowMillis: number): void {
    const traces = new Map<string, StoredSpan[]>()
    for (const span of spans) {
      const there = traces.get(span.traceId)
      if (there === undefined) traces.set(span.traceId, [span])
      else there.push(span)
    }
    for (const [traceId, group] of traces) this.#writeTrace(tenant, traceId, group, nowMillis)
  }

  #writeTrace(tenant: string, traceId: string, spans: readonly StoredSpan[], nowMillis: number): void {
    let lastEnd = 0n
    let isMarked = false
    for (const span of spans) {
      if (span.endUnixNano > lastEnd) lastEnd = span.endUnixNano
      isMarked ||= isOfRun(span)
    }
    const trace = this.#upsertTrace.get(tenant, traceId, integer(lastEnd), nowMillis, traceId, tenant)!
    const id = trace['id'] as number
    const outline: StoredSpan[] = []
    let added = 0
    let changed = false
    for (const span of spans) {
      const isOutline = isOutlineSpan(span)
      const values: SpanValues = [
        id,
        span.spanId,
        integer(span.startUnixNano),
        integer(span.endUnixNano),
        Number(isOutline),
        Object.keys(span.attributes).length,
        this.#originOf(span, nowMillis),
        writeBody(span),
      ]
      if (this.#insertSpan.run(...values).changes > 0) added++
      else changed = this.#replace(values) || changed
      if (isOutline) outline.push(span)
      this.#name(tenant, id, span)
    }
    const isWhole = trace['span_count'] === 0 && added === spans.length && !changed
    // Of a run without a root, its first span is what is known of it, and any may be that.
    if (isWhole) this.#describeTrace(id, traceId, withFirst(outline, spans), added, isMarked)
    else if (outline.length > 0 || changed || !this.#rows.hasRoot(id)) {
      this.#describeTrace(id, traceId, this.#rows.outlineOf(id, traceId), added, isMarked)
    } else if (added > 0) this.#countSpans.run(added, id)
  }

  #replace([trace, spanId, start, end, isOutline, weight, origin, body]: SpanValues): boolean {
    const { changes } = this.#replaceSpan.run(
      start,
      end,
      isOutline,
      weight,
      origin,
      body,
      trace,
      spanId,
      end,
      weight,
      body,
    )
    return changes > 0
  }

  #name(tenant: string, trace: number, span: StoredSpan): void {
    for (const key of namingKeys) {
      const named = textAt(span.attributes, key)
      if (named !== undefined) this.#insertNaming.run(key, runKeyOf(named), tenant, trace, span.spanId)
    }
  }

  #originOf({ resource, scope }: StoredSpan, nowMillis: number): number | bigint {
    // Spans of one request share the objects.
    const last = this.#lastOrigin
    if (last?.resource === resource && last.scope === scope) return last.id
    const body = writeOrigin(resource, scope)
    let origin = this.#origins.get(body)
    if (origin === undefined || nowMillis - origin.touchedMillis > originTouchMillis) {
      if (this.#origins.size >= maxOrigins) this.#origins.clear()
      origin = { id: this.#upsertOrigin.get(body, nowMillis)!['id'] as number, touchedMillis: nowMillis }
      this.#origins.set(body, origin)
    }
    this.#lastOrigin = { resource, scope, id: origin.id }
    return origin.id
  }

  #describeTrace(id: number, traceId: string, outline: readonly StoredSpan[], added: number, isMarked: boolean): void {
    const run = runTreeOf(traceId, outline)
    const { totals } = run
    this.#describe.run(
      added,
      Number(isMarked),
      integer(run.startUnixNano),
      text(run.agent),
      text(run.service),
      text(run.userId),
      text(run.conversationId),
      run.root === undefined ? 'open' : text(run.status),
      text(run.parentRunId),
      text(run.rootRunId),
      text(run.requestedRunId),
      text(run.firstRunId),
      searchTextOf(run),
      totals.costNanoUsd === undefined ? null : integer(totals.costNanoUsd),
      text(totals.costSource),
      totals.inputTokens,
      totals.outputTokens,
      totals.cacheReadInputTokens,
      totals.cacheWriteInputTokens,
      totals.reasoningOutputTokens,
      totals.llmCalls,
      totals.unpricedCalls,
      totals.toolCalls,
      totals.errors,
      totals.spans,
      id,
    )
  }
}

function withFirst(outline: readonly StoredSpan[], spans: readonly StoredSpan[]): readonly StoredSpan[] {
  const first = spans.toSorted(byStart)[0]!
  return outline.includes(first) ? outline.toSorted(byStart) : [first, ...outline.toSorted(byStart)]
}

function text(value: string | undefined): string | null {
  return value ?? null
}

function integer(value: bigint): bigint {
  return value > largestInteger ? largestInteger : value
}
