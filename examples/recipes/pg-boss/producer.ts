/**
 * A planner leaves two jobs in PostgreSQL: one is a part of its own run, the other a run of its own that it started.
 *
 * @module
 */
import { PgBoss } from 'pg-boss'
import { injectRun, wrapAgent } from 'runspan'

const boss = new PgBoss({ connectionString: process.env['POSTGRES_URL']!, supervise: false })
await boss.start()
// How soon a job of a dead worker is given to another, and how often in all.
const expireInSeconds = Number(process.env['EXPIRE_SECONDS'] ?? 900)
await boss.createQueue('agents', { expireInSeconds, retryLimit: 3 })

const { runId } = await wrapAgent('planner', async (run) => {
  await boss.send('agents', injectRun({ kind: 'load rows', file: 'rows.csv' }))
  await boss.send('agents', { kind: 'write report', title: 'Rows', ref: run.spawn('writer') })
})
console.log(runId)
await boss.stop()
