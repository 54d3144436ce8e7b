import { RunspanError } from '../../errors.ts'
import type { RunReader } from '../../query/run-reader.ts'
import { exitCodes, type Command } from '../command.ts'
import { readOptions } from '../common-options.ts'
import { painter, type Style } from '../paint.ts'
import { plural } from '../run-details.ts'

/** What was looked at, and how it stands. */
interface Check {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'problem'
  readonly says: string
}

const looks: Readonly<Record<Check['result'], readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'good'],
  warning: ['!', 'odd'],
  problem: ['✗', 'bad'],
}

/** Whether runs can be read, and whether what is read is sound. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'checks that runs can be read, and what their traces lack',
  positionals: [],
  options: readOptions,
  notes: ['It looks at the newest 100 runs. The set-up inside an application is looked at by doctor() of the package.'],
  examples: [['runspan doctor --from http://localhost:3200', 'why is nothing to be seen?']],
  async run({ open, has, print, printJson, color }) {
    const checks: Check[] = [await sqliteCheck()]
    try {
      await using reader = await open()
      checks.push({ check: 'store', result: 'ok', says: `${reader.name} answers` }, ...(await runChecks(reader)))
    } catch (error) {
      if (!RunspanError.is(error)) throw error
      checks.push({ check: 'store', result: 'problem', says: error.message })
    }
    const paint = painter(color)
    if (has('json')) printJson('checks', checks)
    else for (const { result, says } of checks) print(`${paint(looks[result][1], looks[result][0])} ${says}`)
    return checks.some(({ result }) => result === 'problem') ? exitCodes.notFound : exitCodes.done
  },
}

async function sqliteCheck(): Promise<Check> {
  const check = 'node'
  try {
    await import('node:sqlite')
    return { check, result: 'ok', says: `Node ${process.version} can read files` }
  } catch {
    return { check, result: 'warning', says: `Node ${process.version} reads URLs only; files need 22.13 or later` }
  }
}

async function runChecks(reader: RunReader): Promise<readonly Check[]> {
  const { items, total, flags } = await reader.listRuns({}, { limit: 100 })
  if (items.length === 0) {
    return [
      {
        check: 'runs',
        result: 'warning',
        says: 'there are no runs: nothing was sent, or not yet, or it is older than what is looked at',
      },
    ]
  }
  const checks: Check[] = [
    {
      check: 'runs',
      result: 'ok',
      says: total === undefined ? `there are runs, ${plural(items.length, 'of them')} looked at` : plural(total, 'run'),
    },
  ]
  const count = (isSo: (run: (typeof items)[number]) => boolean): number => items.filter(isSo).length
  const warn = (check: string, number: number, says: string): void => {
    if (number > 0)
      checks.push({ check, result: 'warning', says: `${plural(number, 'run')} of ${items.length} ${says}` })
  }
  warn(
    'rollups',
    count(({ gaps }) => gaps.includes('rollup')),
    'without numbers: their process has no RunRollupProcessor',
  )
  warn(
    'roots',
    count(({ flags: of }) => of.includes('root_not_received')),
    'without a root: still open, or their process was lost',
  )
  warn(
    'ids',
    count(({ requestedRunId }) => requestedRunId !== undefined),
    'under another id than was asked for: their provider has no RunIdGenerator',
  )
  warn(
    'prices',
    count(({ totals }) => totals.unpricedCalls > 0),
    'with model calls that nobody could price',
  )
  warn(
    'late',
    count(({ flags: of }) => of.includes('late_spans')),
    'with spans that ended after the root: something is not awaited',
  )
  if (flags.includes('evicted'))
    checks.push({ check: 'store', result: 'warning', says: 'the store has dropped its oldest runs' })
  return checks
}
