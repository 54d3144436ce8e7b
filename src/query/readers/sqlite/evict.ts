import type { Database } from './load-sqlite.ts'
import { originTouchMillis } from './span-writer.ts'

/** How much a store keeps. */
export interface Bounds {
  readonly maxAgeMillis: number
  readonly maxBytes: number
}

/** Traces that one transaction drops: others wait for it. */
const tracesPerStep = 200
/** Transactions of one call. */
const maxSteps = 25
/** How many ids of dropped traces are remembered, so that what comes later is known to be a rest. */
const maxEvictedIds = 100_000
/** Pages that one step gives back to the disk. */
const pagesPerStep = 2_000

/**
 * Drops whole traces, the one that got its last span first goes first, until the store is inside its bounds.
 *
 * @returns false where there is more to drop: others are let in between
 */
export function evict(database: Database, { maxAgeMillis, maxBytes }: Bounds, nowMillis: number): boolean {
  const oldest = nowMillis - maxAgeMillis
  let step = 0
  while (step < maxSteps && dropTraces(database, 'WHERE written_ms < ?', oldest, tracesPerStep, nowMillis) > 0) step++
  if (usedBytes(database) > maxBytes) {
    // Few large traces: not all of them at once.
    const count = Number(database.prepare('SELECT count(*) AS n FROM trace').get()!['n'])
    const atOnce = Math.min(tracesPerStep, Math.max(1, Math.floor(count / 20)))
    do {
      if (dropTraces(database, '', undefined, atOnce, nowMillis) === 0) break
      step++
    } while (step < maxSteps && usedBytes(database) > maxBytes)
  }
  if (step === 0) return true
  database.prepare('DELETE FROM origin WHERE used_ms < ?').run(oldest - 2 * originTouchMillis)
  database.exec(`PRAGMA incremental_vacuum(${pagesPerStep})`)
  return step < maxSteps
}

function dropTraces(
  database: Database,
  where: string,
  bound: number | undefined,
  limit: number,
  nowMillis: number,
): number {
  const values = bound === undefined ? [] : [bound]
  const victims = `SELECT id FROM trace ${where} ORDER BY written_ms, id LIMIT ${limit}`
  database.exec('BEGIN IMMEDIATE')
  try {
    const rows = database.prepare(victims).all(...values)
    const ids = JSON.stringify(rows.map((row) => row['id']))
    const those = 'SELECT value FROM json_each(?)'
    if (rows.length > 0) {
      database
        .prepare(
          `INSERT INTO horizon (tenant, start_ns) SELECT tenant, max(start_ns) FROM trace
           WHERE id IN (${those}) AND start_ns IS NOT NULL GROUP BY tenant
           ON CONFLICT (tenant) DO UPDATE SET start_ns = max(start_ns, excluded.start_ns)`,
        )
        .run(ids)
      database
        .prepare(
          `INSERT OR REPLACE INTO evicted (trace_id, tenant, at_ms)
           SELECT trace_id, tenant, ? FROM trace WHERE id IN (${those})`,
        )
        .run(nowMillis, ids)
      database
        .prepare(`DELETE FROM evicted WHERE at_ms < (SELECT at_ms FROM evicted ORDER BY at_ms DESC LIMIT 1 OFFSET ?)`)
        .run(maxEvictedIds)
      for (const table of ['naming', 'span']) {
        database.prepare(`DELETE FROM ${table} WHERE trace IN (${those})`).run(ids)
      }
      database.prepare(`DELETE FROM trace WHERE id IN (${those})`).run(ids)
    }
    database.exec('COMMIT')
    return rows.length
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

/** Bytes of the database that hold something. */
function usedBytes(database: Database): number {
  const { pages, free, bytes } = database
    .prepare(
      `SELECT page_count AS pages, freelist_count AS free, page_size AS bytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    )
    .get()! as { pages: number; free: number; bytes: number }
  return (pages - free) * bytes
}
