import { RunspanError } from '../../../errors.ts'
import type { Database } from './load-sqlite.ts'

/** Says that a database is a span store of ours: "Runs". */
const applicationId = 0x52756e73

/**
 * One list of statements per version. A version that has been released is never changed: the next one alters it.
 *
 * - `trace`: one row per trace, and what its root says where it is a run. `written_ms` is when its last span came.
 * - `span`: every span; those that a run is read from have `is_outline`. The body has what no query asks for.
 * - `origin`: resources and scopes, which many spans share.
 * - `naming`: spans that name a run of another trace.
 * - `evicted`, `horizon`: what has been dropped, and up to which start.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE trace (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_count INTEGER NOT NULL DEFAULT 0,
    last_ns INTEGER NOT NULL,
    written_ms INTEGER NOT NULL,
    is_marked INTEGER NOT NULL,
    is_evicted INTEGER NOT NULL,
    start_ns INTEGER,
    agent TEXT, service TEXT, user_id TEXT, conversation_id TEXT, status TEXT DEFAULT 'open',
    parent_id TEXT, root_id TEXT, requested_id TEXT, first_id TEXT, search TEXT,
    cost_nano_usd INTEGER, cost_source TEXT,
    input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
    reasoning_tokens INTEGER, llm_calls INTEGER, unpriced_calls INTEGER, tool_calls INTEGER, errors INTEGER, spans INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX trace_once ON trace (trace_id, tenant);
  CREATE INDEX trace_written ON trace (written_ms);
  CREATE INDEX trace_start ON trace (tenant, start_ns) WHERE is_marked = 1;
  CREATE INDEX trace_agent ON trace (tenant, agent, start_ns) WHERE agent IS NOT NULL;
  CREATE INDEX trace_user ON trace (tenant, user_id, start_ns) WHERE user_id IS NOT NULL;
  CREATE INDEX trace_conversation ON trace (tenant, conversation_id, start_ns) WHERE conversation_id IS NOT NULL;
  CREATE INDEX trace_parent ON trace (tenant, parent_id, start_ns) WHERE parent_id IS NOT NULL;
  CREATE INDEX trace_root ON trace (tenant, root_id, start_ns) WHERE root_id IS NOT NULL;
  CREATE INDEX trace_requested ON trace (tenant, requested_id) WHERE requested_id IS NOT NULL;
  CREATE INDEX trace_first ON trace (tenant, first_id) WHERE first_id IS NOT NULL;

  CREATE TABLE span (
    id INTEGER PRIMARY KEY,
    trace INTEGER NOT NULL,
    span_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    is_outline INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX span_once ON span (trace, span_id);
  CREATE INDEX span_start ON span (trace, start_ns, span_id);
  CREATE INDEX span_outline ON span (trace) WHERE is_outline = 1;

  CREATE TABLE origin (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE, used_ms INTEGER NOT NULL) STRICT;

  CREATE TABLE naming (
    key TEXT NOT NULL, run_id TEXT NOT NULL, tenant TEXT NOT NULL, trace INTEGER NOT NULL, span_id TEXT NOT NULL,
    PRIMARY KEY (run_id, key, tenant, trace, span_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX naming_trace ON naming (trace);

  CREATE TABLE evicted (trace_id TEXT NOT NULL, tenant TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (trace_id, tenant)) STRICT, WITHOUT ROWID;
  CREATE INDEX evicted_at ON evicted (at_ms);
  CREATE TABLE horizon (tenant TEXT PRIMARY KEY, start_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
]

/**
 * Brings a database to the newest version. Several processes may do so at once.
 *
 * @throws {@link RunspanError} `bad_configuration` where it is no span store, or one of a later version
 */
export function migrate(database: Database, path: string): void {
  const version = pragma(database, 'user_version')
  const isOurs = pragma(database, 'application_id') === applicationId
  const isEmpty = version === 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  if (!isOurs && !isEmpty) throw unusable(path, 'it is a database of something else. Use another path')
  if (version > migrations.length) throw unusable(path, 'a later version of Runspan wrote it. Use that version')
  if (version === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Somebody else may have been faster.
    for (let next = pragma(database, 'user_version'); next < migrations.length; next++) {
      database.exec(`${migrations[next]!}; PRAGMA user_version = ${next + 1}; PRAGMA application_id = ${applicationId}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function pragma(database: Database, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)
}

function unusable(path: string, why: string): RunspanError {
  return new RunspanError('bad_configuration', `Failed to open the span store ${path}: ${why}.`)
}
