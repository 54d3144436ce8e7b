import { RunspanError } from '../../errors.ts'
import type { RunReader } from '../../query/run-reader.ts'
import { exitCodes, type Command, type Invocation } from '../command.ts'
import { readOptions } from '../common-options.ts'
import { painter, type Style } from '../paint.ts'
import { plural } from '../run-details.ts'
import { setupChecks, type Check } from '../setup-checks.ts'

const looks: Readonly<Record<Check['result'], readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'good'],
  warning: ['!', 'odd'],
  problem: ['✗', 'bad'],
}

/** Whether runs can be read, and whether what is read is sound. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'checks that runs can be read, and what their traces or a set-up lack',
  positionals: [],
  options: {
    ...readOptions,
    setup: {
      type: 'string',
      value: '<module>',
      help: 'what the application is started with, node --import <module>: says what that set-up lacks, and looks at runs only with --from',
    },
  },
  notes: [
    'It looks at the newest 100 runs. A set-up of another kind is looked at from inside, by doctor() of the package.',
  ],
  examples: [
    ['runspan doctor --from http://localhost:3200', 'why is nothing to be seen?'],
    ['runspan doctor --setup ./telemetry.js', 'is OpenTelemetry set up as runs need it?'],
  ],
  async run({ io, open, has, text, print, printJson, color }) {
    const setup = text('setup')
    const checks: Check[] =
      setup === undefined ? [await sqliteCheck()] : [...(await setupChecks(setup, io.env, io.signal))]
    if (setup === undefined || text('from') !== undefined) checks.push(...(await storeChecks(open)))
    const paint = painter(color)
    if (has('json')) printJson('checks', checks)
    else for (const { result, says } of checks) print(`${paint(looks[result][1], looks[result][0])} ${says}`)
    return checks.some(({ result }) => result === 'problem') ? exitCodes.notFound : exitCodes.done
  },
}

async function storeChecks(open: Invocation['open']): Promise<readonly Check[]> {
  try {
    await using reader = await open()
    return [{ check: 'store', result: 'ok', says: `${reader.name} answers` }, ...(await runChecks(reader))]
  } catch (error) {
    if (!RunspanError.is(error)) throw error
    return [{ check: 'store', result: 'problem', says: error.message }]
  }
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
