/**
 * Four services, a queue and a model server answer one question; their spans show what that took.
 *
 * Started by `npm run demo`. Without `OTEL_EXPORTER_OTLP_ENDPOINT` the spans come to a receiver in this process, which
 * prints them as they arrive and the family of runs at the end; with it they go there, and the run ids are printed.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { renderFamily } from 'runspan/cli'
import { buildFamilies, runTreesOf } from 'runspan/query'
import type { StoredSpan } from 'runspan/query'

import { startModelServer } from '../model-server/server.ts'
import { askTeam } from './demo/ask-team.ts'
import { compareBill, isBilledRight, renderComparisons } from './demo/compare-bills.ts'
import { abortAfter, rejectOnAbort } from './demo/deadline.ts'
import type { DemoReport } from './demo/report.ts'
import { openSink } from './demo/sink.ts'
import { startTeam } from './demo/start-team.ts'

const help = `Usage: npm run demo -- [options]

  --question TEXT   what to ask; every sentence with a question mark is researched by a run of its own
  --json            print run ids, agents and what the model server billed as JSON, and nothing else
  --help            this text

Set OTEL_EXPORTER_OTLP_ENDPOINT to send the spans to a collector, for example http://localhost:4318.`

/** The whole demo may take this long, in milliseconds; it usually takes a tenth. */
const deadlineMillis = 60_000

const { values: options } = parseArgs({
  options: {
    question: { type: 'string', default: 'Can tidal power replace a coal plant?' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const say = options.json ? () => {} : console.log

if (options.help) console.log(help)
else {
  try {
    await runDemo()
  } catch (error) {
    console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

async function runDemo(): Promise<void> {
  const startedMillis = performance.now()
  const signal = abortAfter(deadlineMillis)
  await using cleanup = new AsyncDisposableStack()

  const directory = await mkdtemp(join(tmpdir(), 'research-team-'))
  cleanup.defer(() => rm(directory, { recursive: true, force: true }))
  // OpenAI caches prompts from 1024 tokens on; ours are shorter, and are to be cached all the same.
  const modelServer = await startModelServer({ cacheMinimumTokens: 128 })
  cleanup.defer(() => modelServer.close())
  const sink = cleanup.use(await openSink(process.env['OTEL_EXPORTER_OTLP_ENDPOINT'], say))

  say(`Starting search, executor, planner and writer; spans go to ${sink.endpoint}.`)
  const team = cleanup.use(
    await startTeam({
      endpoint: sink.endpoint,
      modelBaseUrl: modelServer.baseUrl,
      queueDirectory: directory,
      reportDirectory: directory,
      signal,
    }),
  )
  say(`Asking: ${options.question}\n`)
  const asking = askTeam(team, {
    question: options.question,
    queueDirectory: directory,
    ledger: modelServer.ledger,
    signal,
  })
  const outcome = await Promise.race([asking, team.lost, rejectOnAbort(signal)])
  const stopped = team.stop()
  // Spans that got lost on the way out are a failure of the demo, but none of the runs: those are shown all the same.
  await Promise.allSettled([stopped])

  const durationMillis = Math.round(performance.now() - startedMillis)
  const report: DemoReport = { ...outcome, endpoint: sink.endpoint, durationMillis }
  if (options.json) console.log(JSON.stringify(report, undefined, 2))
  else show(report, sink.spans)
  await stopped
}

function show(report: DemoReport, spans: readonly StoredSpan[] | undefined): void {
  say(`\n${report.answer}\n`)
  if (spans === undefined) {
    for (const run of report.runs) say(`  ${run.runId}  ${run.agent}`)
    return
  }
  const { isTTY, columns } = process.stdout
  for (const family of buildFamilies(spans)) say(renderFamily(family, { color: isTTY, width: columns }))
  const trees = runTreesOf(spans)
  const comparisons = report.runs.map((run) => {
    const tree = trees.find(({ runId }) => runId === run.runId)
    if (tree === undefined) throw new Error(`No span of run ${run.runId} of ${run.agent} has arrived.`)
    return compareBill(run, tree)
  })
  say(`\n${renderComparisons(comparisons)}\n\nDone after ${(report.durationMillis / 1000).toFixed(1)} s.`)
  const wrong = comparisons.filter((comparison) => !isBilledRight(comparison))
  if (wrong.length > 0) throw new Error(`Rollup and bill differ for ${wrong.map(({ agent }) => agent).join(', ')}.`)
}
