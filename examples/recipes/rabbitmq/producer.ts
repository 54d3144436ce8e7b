/**
 * A planner publishes two messages: one carries its own run, the other names a run that it started.
 *
 * @module
 */
import { connect } from 'amqplib'
import { injectRun, wrapAgent } from 'runspan'

const connection = await connect(process.env['AMQP_URL']!)
const channel = await connection.createConfirmChannel()
// A quorum queue counts deliveries; a classic one only says that there was one before.
await channel.assertQueue('agents', { arguments: { 'x-queue-type': 'quorum' } })
const send = (type: string, body: unknown, headers: Record<string, unknown> = {}) =>
  channel.sendToQueue('agents', Buffer.from(JSON.stringify(body)), { type, headers, persistent: true })

const { runId } = await wrapAgent('planner', async (run) => {
  send('load rows', { file: 'rows.csv' }, injectRun({}))
  send('write report', { title: 'Rows', ref: run.spawn('writer') })
  await channel.waitForConfirms()
})
console.log(runId)
await connection.close()
