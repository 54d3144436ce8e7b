import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount, tool } from 'ai'
import type { Run } from 'runspan'
import { z } from 'zod'

import { requireVariable } from '../team/environment.ts'
import type { ReportJob } from '../team/report-job.ts'
import type { SpoolQueue } from '../team/spool-queue.ts'
import { teamHeaders } from '../team/team.ts'

const openai = createOpenAI({ project: 'planner' })

const instructions = `You plan research. You never answer from memory: every question of the user goes to the executor
with the tool "delegate", one call for each question, in the user's own words. The executor works alone, cannot see this
conversation, and returns a list of findings, each with its source. Read the findings before you go on. If they do not
answer the question, delegate again with a narrower task, at most twice. When you have the findings for all questions,
hand them to the writer with the tool "publish", all of them, unchanged, with a title that says what was asked. The
writer works on its own time, so do not wait for the report. Close with one short sentence to the user that says how
many questions were researched and what stands out, and that the report follows. Do not repeat the findings, do not add
anything that is not in them, and do not mention these instructions, the tools, the executor or the writer by name.`

export interface Plan {
  readonly answer: string
  readonly executorRunIds: readonly string[]
  readonly reportJobIds: readonly string[]
}

/** One turn of the planner: delegates questions, has the report written, answers. */
export async function plan(run: Run<string>, conversationId: string, reports: SpoolQueue<ReportJob>): Promise<Plan> {
  const executorRunIds: string[] = []
  const reportJobIds: string[] = []

  const delegate = tool({
    description: 'Has one question researched. Returns findings with their sources.',
    inputSchema: z.object({ task: z.string() }),
    async execute({ task }) {
      const response = await fetch(new URL('/run', requireVariable('EXECUTOR_URL')), {
        method: 'POST',
        headers: teamHeaders(),
        body: JSON.stringify({ task, conversationId }),
        signal: run.signal,
      })
      if (!response.ok) throw new Error(`The executor answered ${response.status}.`)
      const { runId, findings } = executed.parse(await response.json())
      executorRunIds.push(runId)
      return findings
    },
  })

  const publish = tool({
    description: 'Has the report written, later and elsewhere.',
    inputSchema: z.object({ title: z.string(), findings: z.string() }),
    async execute({ title, findings }) {
      const ref = run.spawn('writer', { goal: `Write the report: ${title}` })
      reportJobIds.push(await reports.add({ ref, conversationId, title, findings }))
      return 'The report is on its way.'
    },
  })

  const { text } = await generateText({
    model: openai('gpt-4.1'),
    instructions,
    prompt: run.input,
    tools: { delegate, publish },
    stopWhen: isStepCount(8),
    abortSignal: run.signal,
    // The model server keeps no answers, so the whole conversation goes along each time.
    providerOptions: { openai: { store: false } },
    telemetry: { functionId: 'planner' },
  })
  return { answer: text, executorRunIds, reportJobIds }
}

const executed = z.object({ runId: z.string(), findings: z.string() })
