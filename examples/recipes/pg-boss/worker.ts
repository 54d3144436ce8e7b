/**
 * Works on the planner's jobs: joins its run for the one, opens the run that it started for the other.
 *
 * @module
 */
import { PgBoss, type JobWithMetadata } from 'pg-boss'
import { extractRun, joinRun, wrapAgent, type RunRef } from 'runspan'

import { askModel } from '../model.ts'

interface AgentJob {
  readonly kind: string
  readonly file: string
  readonly title: string
  readonly ref: RunRef
}

async function work([job]: readonly JobWithMetadata<AgentJob>[]): Promise<void> {
  if (job === undefined) return
  const { data } = job
  if (data.kind === 'load rows') {
    await joinRun(extractRun(data), () => askModel(`Name the columns of ${data.file}`), { name: 'load rows' })
  } else {
    const attempt = job.retryCount + 1
    await wrapAgent('writer', () => askModel(`Report on ${data.title}`), { from: data.ref, attempt })
  }
}

const boss = new PgBoss({
  connectionString: process.env['POSTGRES_URL']!,
  // How often it looks for jobs of dead workers.
  superviseIntervalSeconds: Number(process.env['SUPERVISE_SECONDS'] ?? 60),
  monitorIntervalSeconds: Number(process.env['SUPERVISE_SECONDS'] ?? 60),
})
boss.on('error', (error) => console.error(error))
await boss.start()
await boss.work('agents', { includeMetadata: true, batchSize: 1 }, work)
process.once('SIGTERM', () => void boss.stop())
