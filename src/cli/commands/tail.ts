import type { ListedRun } from '../../query/run-reader.ts'
import { walkPages } from '../../query/page.ts'
import { exitCodes, UsageError, type Command } from '../command.ts'
import { readOptions } from '../common-options.ts'
import { formatCost, formatDuration } from '../format-numbers.ts'
import { statusOf } from '../list-runs.ts'
import { painter } from '../paint.ts'
import { statusStyle } from '../run-details.ts'
import { oneLine } from '../terminal-text.ts'
import { timeText } from '../time-text.ts'
import { durationOf } from '../values.ts'
import { filterOf, filterOptions } from './list.ts'

/** Runs that are remembered, so that each is shown once for each status. */
const maxRemembered = 10_000
/** How far behind the newest start runs are looked for: they are sent when they end. */
const lookBackMillis = 3_600_000

/** Runs as they come and change, until the user stops it. */
export const tail: Command = {
  name: 'tail',
  summary: 'shows runs as they come in and change, until it is stopped',
  positionals: [],
  options: {
    ...readOptions,
    ...filterOptions,
    interval: { type: 'string', value: '<time>', help: 'between two looks. Default: 2s' },
  },
  notes: ['Runs that began more than an hour before the first look are shown only where --since says so.'],
  examples: [
    ['runspan tail', 'beside a running agent'],
    ['runspan tail --status failed --json', 'failures, one line of JSON each'],
  ],
  async run(invocation) {
    const { io, has, text, print, printJson, color } = invocation
    const intervalMillis = durationOf('interval', text('interval') ?? '2s')
    if (intervalMillis < 100) throw new UsageError('--interval cannot be less than 0.1s.')
    const filter = filterOf(invocation)
    const fromUnixMillis = filter.fromUnixMillis ?? io.nowUnixMillis() - lookBackMillis
    const seen = new Map<string, string>()
    await using reader = await invocation.open()
    while (!io.signal.aborted) {
      const news: ListedRun[] = []
      for await (const run of walkPages((page) => reader.listRuns({ ...filter, fromUnixMillis }, page), {
        maxPages: 20,
      })) {
        const state = `${statusOf(run)} ${run.totals.spans}`
        if (seen.get(run.runId) === state) continue
        seen.delete(run.runId)
        seen.set(run.runId, state)
        news.push(run)
      }
      for (const [runId] of seen) if (seen.size > maxRemembered) seen.delete(runId)
      for (const run of news.toReversed()) {
        if (has('json')) printJson('run', run)
        else print(lineOf(run, color))
      }
      await io.delay(intervalMillis)
    }
    return exitCodes.done
  },
}

function lineOf(run: ListedRun, color: boolean): string {
  const paint = painter(color)
  const status = statusOf(run)
  const { costNanoUsd } = run.totals
  const parts = [
    paint('dim', timeText(run.startUnixNano)),
    paint('dim', run.runId),
    paint(statusStyle(status), oneLine(status).padEnd(9)),
    paint('bold', oneLine(run.agent ?? 'unknown agent')),
    run.durationMillis === undefined ? '' : formatDuration(run.durationMillis),
    costNanoUsd === undefined ? '' : formatCost(costNanoUsd, 4),
    run.failure === undefined ? '' : paint('bad', oneLine(`✗ ${run.failure.type}`)),
  ]
  return parts.filter((part) => part !== '').join('  ')
}
