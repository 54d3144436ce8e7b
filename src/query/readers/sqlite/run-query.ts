import { nanosOf, type RunFilter } from '../../run-filter.ts'
import type { ThreadQuery } from '../../span-source.ts'

/** A value that SQLite takes. */
export type SqlValue = string | number | bigint

/** Conditions and their values, in the same order. */
export interface Where {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** Columns that a filter compares as they are. */
const columns = {
  agent: 'agent',
  service: 'service',
  userId: 'user_id',
  conversationId: 'conversation_id',
  status: 'status',
  parentRunId: 'parent_id',
  rootRunId: 'root_id',
  requestedRunId: 'requested_id',
  firstRunId: 'first_id',
} as const

/** Runs that fit a filter. */
export function whereRuns(tenant: string, filter: RunFilter): Where {
  const conditions = ['is_marked = 1', 'tenant = ?']
  const values: SqlValue[] = [tenant]
  const add = (condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  for (const [key, column] of Object.entries(columns)) add(`${column} = ?`, filter[key as keyof typeof columns])
  const { fromUnixMillis, toUnixMillis, minCostNanoUsd, maxCostNanoUsd, text } = filter
  add('start_ns >= ?', fromUnixMillis === undefined ? undefined : nanosOf(fromUnixMillis))
  add('start_ns < ?', toUnixMillis === undefined ? undefined : nanosOf(toUnixMillis))
  add('ifnull(cost_nano_usd, 0) >= ?', minCostNanoUsd)
  add('ifnull(cost_nano_usd, 0) <= ?', maxCostNanoUsd)
  add('instr(search, ?) > 0', text?.toLowerCase())
  return { sql: conditions.join(' AND '), values }
}

/** Threads that fit a filter: the groups of the runs that do. */
export function groupThreads(tenant: string, { agent, userId, idleSinceUnixNano }: ThreadQuery): Where {
  const { sql, values } = whereRuns(tenant, { agent, userId })
  const idle = idleSinceUnixNano === undefined ? [] : [idleSinceUnixNano]
  return {
    sql: `
      SELECT conversation_id, count(*) AS runs, min(start_ns) AS start_ns, max(last_ns) AS active_ns,
        json_group_array(DISTINCT agent) AS agents, json_group_array(DISTINCT user_id) AS users,
        sum(cost_nano_usd) AS cost_nano_usd, count(DISTINCT cost_source) AS sources, min(cost_source) AS cost_source,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,
        sum(reasoning_tokens) AS reasoning_tokens, sum(llm_calls) AS llm_calls, sum(unpriced_calls) AS unpriced_calls,
        sum(tool_calls) AS tool_calls, sum(errors) AS errors, sum(spans) AS spans
      FROM trace WHERE ${sql} AND conversation_id IS NOT NULL GROUP BY conversation_id
      ${idle.length === 0 ? '' : 'HAVING max(last_ns) < ?'}`,
    values: [...values, ...idle],
  }
}
