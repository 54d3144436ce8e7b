/**
 * Works on the planner's messages: joins its run for the one, opens the run that it started for the other.
 *
 * @module
 */
import { jetstream, type JsMsg } from '@nats-io/jetstream'
import { connect, headers, type Msg } from '@nats-io/transport-node'
import { extractRun, injectTotals, joinRun, wrapAgent, type RunRef } from 'runspan'

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

/** A request: its reply brings home what this part came to. */
async function answer(message: Msg): Promise<void> {
  const { file } = message.json<{ readonly file: string }>()
  const load = async () => {
    const { text } = await askModel(`Name the columns of ${file}`)
    return { columns: text, headers: injectTotals(headers()) }
  }
  const reply = await joinRun(extractRun(message.headers), load, { name: 'load rows' })
  message.respond(reply.columns, { headers: reply.headers })
}

const connection = await connect({ servers: process.env['NATS_URL']! })
connection.subscribe('columns', { callback: (_error, message) => void answer(message) })
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
