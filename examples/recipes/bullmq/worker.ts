/**
 * Works on the planner's jobs: joins its run for the one, opens the run that it started for the other.
 *
 * @module
 */
import { Worker, type Job } from 'bullmq'
import { extractRun, injectTotals, joinRun, wrapAgent, type RunRef } from 'runspan'

import { askModel } from '../model.ts'

async function work(
  job: Job<{ readonly file: string; readonly title: string; readonly ref: RunRef }>,
): Promise<object> {
  const { data } = job
  // Not attemptsMade, which counts failures: a job whose worker died comes again, and nobody saw it fail.
  const attempt = job.attemptsStarted
  if (job.name === 'load rows') {
    // The job's result brings home what this part came to, where the planner waits for it.
    const load = async () => {
      const { text } = await askModel(`Name the columns of ${data.file}`)
      return injectTotals({ columns: text }, { attempt })
    }
    return joinRun(extractRun(data), load, { name: 'load rows' })
  }
  const { result } = await wrapAgent('writer', () => askModel(`Report on ${data.title}`), { from: data.ref, attempt })
  return { text: result.text }
}

// How soon a job of a dead worker is given to another.
const lockDuration = Number(process.env['LOCK_MILLIS'] ?? 30_000)
const worker = new Worker('agents', work, {
  connection: { url: process.env['REDIS_URL']! },
  lockDuration,
  stalledInterval: lockDuration,
})
worker.on('failed', (job, error) => console.error(`${job?.name} failed: ${error.message}`))
process.once('SIGTERM', () => void worker.close())
