/**
 * A planner leaves two jobs in a queue: one is a part of its own run, the other a run of its own that it started.
 *
 * @module
 */
import { Queue } from 'bullmq'
import { injectRun, wrapAgent } from 'runspan'

const queue = new Queue('agents', { connection: { url: process.env['REDIS_URL']! } })

const { runId } = await wrapAgent('planner', async (run) => {
  await queue.add('load rows', injectRun({ file: 'rows.csv' }))
  await queue.add('write report', { title: 'Rows', ref: run.spawn('writer') }, { attempts: 3 })
})
console.log(runId)
await queue.close()
