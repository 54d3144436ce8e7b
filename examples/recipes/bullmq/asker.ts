/**
 * A planner that waits for the result of a job, which brings home what the worker's part of its run came to.
 *
 * @module
 */
import { Queue, QueueEvents } from 'bullmq'
import { injectRun, takeTotals, wrapAgent } from 'runspan'

const connection = { url: process.env['REDIS_URL']! }
const queue = new Queue('agents', { connection })
const events = new QueueEvents('agents', { connection })
await events.waitUntilReady()

const { runId, result, ended } = await wrapAgent('planner', async () => {
  const job = await queue.add('load rows', injectRun({ file: 'orders.csv' }, { expectReply: true }), { attempts: 2 })
  return takeTotals((await job.waitUntilFinished(events)) as { readonly columns: string }).columns
})
const { totals } = await ended
console.log(runId)
console.log(`${result}: ${totals.inputTokens} tokens, complete: ${totals.complete}`)
await events.close()
await queue.close()
