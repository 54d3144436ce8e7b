import { expect, it } from 'vitest'

import { startBench } from './bench.ts'
import { nodeBinary, type Programs } from './programs.ts'

/** A line of either logger. */
interface Line {
  readonly logger: string
  readonly trace_id?: string
  readonly span_id?: string
  /** Pino's word for the text. */
  readonly msg?: string
  /** Winston's. */
  readonly message?: string
}

/** Two loggers, five lines each. */
const lineCount = 10

async function linesOf(programs: Programs, args: readonly string[]): Promise<readonly Line[]> {
  const program = programs.start(nodeBinary, args, {})
  const lines: Line[] = []
  while (lines.length < lineCount) lines.push(JSON.parse(await program.line()) as Line)
  await program.done
  return lines
}

const script = 'examples/recipes/logs/agent.ts'
const instrumented = [
  '--import',
  'runspan/register',
  '--import',
  './examples/recipes/logs/instrument-loggers.ts',
  script,
]

it('has pino and winston say which run and span a line is from, so that logs find runs and runs find logs', async () => {
  await using bench = await startBench({ OTEL_SERVICE_NAME: 'planner' })
  const lines = await linesOf(bench.programs, instrumented)
  const [run] = bench.store.runsOf('planner')
  const spanIds = new Map(run!.spans.map(({ spanId, name }) => [spanId, name]))
  const shown = lines.map(({ trace_id: traceId, span_id: spanId, ...line }) => [
    line.logger,
    line.msg ?? line.message,
    // The trace id is the run id.
    traceId === run!.runId ? 'the run' : traceId,
    spanId === undefined ? undefined : spanIds.get(spanId),
  ])
  for (const logger of ['pino', 'winston']) {
    expect(shown.filter(([by]) => by === logger)).toEqual([
      [logger, 'before the run', undefined, undefined],
      [logger, 'in the run', 'the run', 'invoke_agent planner'],
      [logger, 'in a span of the run', 'the run', 'plan'],
      [logger, 'in a joined part', 'the run', 'load rows'],
      [logger, 'after the run', undefined, undefined],
    ])
  }
})

it('is the instrumentations that say so: without them no line does', async () => {
  await using bench = await startBench({ OTEL_SERVICE_NAME: 'planner' })
  const lines = await linesOf(bench.programs, ['--import', 'runspan/register', script])
  expect(bench.store.runsOf('planner')).toHaveLength(1)
  expect(lines.filter((line) => 'trace_id' in line)).toEqual([])
})
