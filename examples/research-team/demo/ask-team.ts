import { z } from 'zod'

import type { LedgerEntry } from '../../model-server/ledger.ts'
import type { ReportJob, WrittenReport } from '../team/report-job.ts'
import { SpoolQueue } from '../team/spool-queue.ts'
import { billRun } from './report.ts'
import type { DemoReport } from './report.ts'
import type { Team } from './start-team.ts'

const answered = z.object({
  runId: z.string(),
  conversationId: z.string(),
  answer: z.string(),
  executorRunIds: z.array(z.string()),
  reportJobIds: z.array(z.string()),
})

const written = z.object({
  runId: z.string(),
  status: z.string(),
  file: z.string(),
  firstChunkMillis: z.number(),
  lastChunkMillis: z.number(),
}) satisfies z.ZodType<WrittenReport>

export interface AskOptions {
  readonly question: string
  readonly queueDirectory: string
  readonly ledger: readonly LedgerEntry[]
  readonly signal: AbortSignal
}

/** Asks the planner, waits for the report that it has ordered, and says which runs that took and what each was billed. */
export async function askTeam(
  team: Team,
  options: AskOptions,
): Promise<Omit<DemoReport, 'endpoint' | 'durationMillis'>> {
  const { question, queueDirectory, ledger, signal } = options
  const response = await fetch(new URL('/ask', team.plannerUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
    signal,
  })
  if (!response.ok) throw new Error(`The planner answered ${response.status}: ${await response.text()}`)
  const { runId, conversationId, answer, executorRunIds, reportJobIds } = answered.parse(await response.json())

  const queue = new SpoolQueue<ReportJob>(queueDirectory)
  const results = await Promise.all(reportJobIds.map((id) => queue.result(id, signal)))
  const reports = results.map((result) => written.parse(result))
  const runs = [
    { runId, agent: 'planner' },
    ...executorRunIds.map((executorRunId) => ({ runId: executorRunId, agent: 'executor', parentRunId: runId })),
    ...reports.map((report) => ({ runId: report.runId, agent: 'writer', parentRunId: runId })),
  ]
  return { question, conversationId, answer, runs: runs.map((run) => billRun(run, ledger)), reports, ledger }
}
