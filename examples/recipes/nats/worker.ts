/**
 * Works on the planner's messages: joins its run for the one, opens the run that it started for the other.
 *
 * @module
 */
import { jetstream, type JsMsg } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { extractRun, joinRun, wrapAgent, type RunRef } from 'runspan'

import { askModel } from '../model.ts'

async function work(message: JsMsg): Promise<void> {
  const body = message.json<{ readonly file: string; readonly title: string; readonly ref: RunRef }>()
  if (message.subject === 'agents.load') {
    const run = extractRun(message.headers)
    await joinRun(run, () => askModel(`Name the columns of ${body.file}`), { name: 'load rows' })
  } else {
    const attempt = message.info.deliveryCount
    await wrapAgent('writer', () => askModel(`Report on ${body.title}`), { from: body.ref, attempt })
  }
}

const connection = await connect({ servers: process.env['NATS_URL']! })
const consumer = await jetstream(connection).consumers.get('agents', 'workers')
const messages = await consumer.consume({ max_messages: 1 })
process.once('SIGTERM', () => messages.stop())
for await (const message of messages) {
  try {
    await work(message)
    message.ack()
  } catch {
    message.nak()
  }
}
await connection.drain()
