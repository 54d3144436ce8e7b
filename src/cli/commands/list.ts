import { exitCodes, UsageError, type Command, type Invocation, type OptionSpec } from '../command.ts'
import { pageOptions, readOptions } from '../common-options.ts'
import { pageNotes, renderRuns } from '../list-runs.ts'
import type { RunFilter } from '../../query/run-filter.ts'
import type { PageRequest } from '../../query/page.ts'
import { costOf, countOf, timeOf } from '../values.ts'

/** Options that say which runs are wanted. */
export const filterOptions: Readonly<Record<string, OptionSpec>> = {
  agent: { type: 'string', short: 'a', value: '<name>', help: 'of this agent' },
  service: { type: 'string', value: '<name>', help: 'of this service' },
  user: { type: 'string', short: 'u', value: '<id>', help: 'of this user' },
  conversation: { type: 'string', short: 'c', value: '<id>', help: 'of this thread' },
  status: {
    type: 'string',
    short: 's',
    value: '<status>',
    help: 'completed, failed, cancelled, timeout, abandoned or open',
  },
  parent: { type: 'string', value: '<run>', help: 'started by this run' },
  since: { type: 'string', value: '<time>', help: 'started since: 24h, or a date' },
  until: { type: 'string', value: '<time>', help: 'started before: 1h, or a date' },
  'min-cost': { type: 'string', value: '<usd>', help: 'that cost at least this' },
  'max-cost': { type: 'string', value: '<usd>', help: 'that cost at most this' },
  text: {
    type: 'string',
    short: 't',
    value: '<text>',
    help: 'with this text in agent, goal, failure, input or output',
  },
}

const statuses = ['completed', 'failed', 'cancelled', 'timeout', 'abandoned', 'open']

/** A misspelt one would find nothing, and say so as if there were nothing. */
function statusOf(said: string | undefined): string | undefined {
  if (said === undefined || statuses.includes(said)) return said
  throw new UsageError(`--status cannot be ${JSON.stringify(said)}. Use ${statuses.slice(0, -1).join(', ')} or open.`)
}

/** The filter that was typed. */
export function filterOf({ io, text }: Invocation): RunFilter {
  const time = (option: string): number | undefined => {
    const said = text(option)
    return said === undefined ? undefined : timeOf(option, said, io.nowUnixMillis())
  }
  return {
    agent: text('agent'),
    service: text('service'),
    userId: text('user'),
    conversationId: text('conversation'),
    status: statusOf(text('status')),
    parentRunId: text('parent'),
    fromUnixMillis: time('since'),
    toUnixMillis: time('until'),
    minCostNanoUsd: costOf('min-cost', text('min-cost')),
    maxCostNanoUsd: costOf('max-cost', text('max-cost')),
    text: text('text'),
  }
}

/** The page that was typed. */
export function pageOf({ text }: Invocation): PageRequest {
  return { limit: countOf('limit', text('limit')) ?? 20, offset: countOf('offset', text('offset')) }
}

/** Runs as a table, the newest first. */
export const list: Command = {
  name: 'list',
  summary: 'lists runs, the newest first',
  positionals: [],
  options: { ...readOptions, ...filterOptions, ...pageOptions },
  examples: [
    ['runspan list --status failed --since 24h', 'what failed today'],
    ['runspan list --agent planner --min-cost 0.50', 'the expensive ones'],
    ['runspan list --from runspan.db --json | jq -r ".value.items[].runId"', 'ids for a script'],
  ],
  async run(invocation) {
    const { has, print, printJson, color, width } = invocation
    const filter = filterOf(invocation)
    const request = pageOf(invocation)
    await using reader = await invocation.open()
    const page = await reader.listRuns(filter, request)
    if (has('json')) printJson('runs', page)
    else {
      print(page.items.length === 0 ? 'no runs' : renderRuns(page.items, { color, width }))
      for (const note of pageNotes(page, 'runs')) print(note)
    }
    return exitCodes.done
  },
}
