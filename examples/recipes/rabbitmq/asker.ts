/**
 * A planner that waits for the reply to a message, which brings home what the worker's part of its run came to.
 *
 * @module
 */
import { connect, type ConsumeMessage } from 'amqplib'
import { injectRun, takeTotals, wrapAgent } from 'runspan'

const connection = await connect(process.env['AMQP_URL']!)
const channel = await connection.createChannel()
await channel.assertQueue('agents', { arguments: { 'x-queue-type': 'quorum' } })
const { queue: replyTo } = await channel.assertQueue('', { exclusive: true })

/** Replies come in the context of the connection; whoever waits for one goes on in its own. */
const waiting = new Map<string, (reply: ConsumeMessage) => void>()
await channel.consume(
  replyTo,
  (reply) => void (reply && waiting.get(reply.properties.correlationId as string)?.(reply)),
  {
    noAck: true,
  },
)

async function ask(type: string, body: unknown): Promise<string> {
  const correlationId = crypto.randomUUID()
  const headers = injectRun({}, { expectReply: true })
  const replied = new Promise<ConsumeMessage>((resolve) => waiting.set(correlationId, resolve))
  channel.sendToQueue('agents', Buffer.from(JSON.stringify(body)), { type, headers, replyTo, correlationId })
  const { properties, content } = await replied
  waiting.delete(correlationId)
  takeTotals(properties.headers)
  return content.toString()
}

const { runId, result, ended } = await wrapAgent('planner', () => ask('load rows', { file: 'orders.csv' }))
const { totals } = await ended
console.log(runId)
console.log(`${result}: ${totals.inputTokens} tokens, complete: ${totals.complete}`)
await connection.close()
