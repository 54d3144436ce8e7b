import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { wrapAgent } from 'runspan'

import { fetchModel } from '../team/fetch-model.ts'
import type { ReportJob, WrittenReport } from '../team/report-job.ts'
import type { Job } from '../team/spool-queue.ts'

const openai = createOpenAI({ project: 'writer', fetch: fetchModel })

const instructions = `You write a report for readers who know nothing of the matter. The first line you get is the title,
the others are findings with their sources. Begin with the title, then a summary, the findings as a numbered list, and
what they mean. Keep every source in its brackets. Add nothing that is not in the findings.`

/**
 * Writes one report to a file as the model says it, as the run that the planner has announced.
 *
 * The agent's part is over when it hands out the stream; its run ends with the last chunk.
 */
export async function writeReport(job: Job<ReportJob>, directory: string): Promise<WrittenReport> {
  const { ref, conversationId, title, findings } = job.payload
  const written = await wrapAgent(
    'writer',
    (run) =>
      streamText({
        model: openai.chat('gpt-4.1-mini'),
        instructions,
        prompt: run.input,
        abortSignal: run.signal,
        telemetry: { functionId: 'writer' },
      }),
    { from: ref, attempt: job.attempt, input: `${title}\n${findings}`, conversationId },
  )
  const file = join(directory, `${written.runId}.md`)
  let firstChunkMillis = 0
  let lastChunkMillis = 0
  async function* timed(chunks: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const chunk of chunks) {
      lastChunkMillis = Date.now()
      firstChunkMillis ||= lastChunkMillis
      yield chunk
    }
  }
  await pipeline(Readable.from(timed(written.result.textStream)), createWriteStream(file))
  const { status } = await written.ended
  return { runId: written.runId, status, file, firstChunkMillis, lastChunkMillis }
}
