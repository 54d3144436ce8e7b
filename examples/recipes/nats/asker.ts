/**
 * A planner that waits for the reply to a request, which brings home what the worker's part of its run came to.
 *
 * @module
 */
import { connect, headers } from '@nats-io/transport-node'
import { injectRun, takeTotals, wrapAgent } from 'runspan'

const connection = await connect({ servers: process.env['NATS_URL']! })
const { runId, result, ended } = await wrapAgent('planner', async () => {
  const carrier = injectRun(headers(), { expectReply: true })
  const reply = await connection.request('columns', JSON.stringify({ file: 'orders.csv' }), {
    headers: carrier,
    timeout: 10_000,
  })
  takeTotals(reply.headers)
  return reply.string()
})
const { totals } = await ended
console.log(runId)
console.log(`${result}: ${totals.inputTokens} tokens, complete: ${totals.complete}`)
await connection.drain()
