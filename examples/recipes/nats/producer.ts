/**
 * A planner publishes two messages to a stream: one carries its own run, the other names a run that it started.
 *
 * @module
 */
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, nanos } from '@nats-io/transport-node'
import { injectRun, wrapAgent } from 'runspan'

const connection = await connect({ servers: process.env['NATS_URL']! })
const manager = await jetstreamManager(connection)
await manager.streams.add({ name: 'agents', subjects: ['agents.*'] })
await manager.consumers.add('agents', {
  durable_name: 'workers',
  ack_policy: AckPolicy.Explicit,
  // How soon a message of a dead worker is given to another.
  ack_wait: nanos(Number(process.env['ACK_WAIT_MILLIS'] ?? 30_000)),
})
const stream = jetstream(connection)

const { runId } = await wrapAgent('planner', async (run) => {
  await stream.publish('agents.load', JSON.stringify({ file: 'rows.csv' }), { headers: injectRun(headers()) })
  await stream.publish('agents.write', JSON.stringify({ title: 'Rows', ref: run.spawn('writer') }))
})
console.log(runId)
await connection.drain()
