/**
 * Works on the planner's messages: joins its run for the one, opens the run that it started for the other.
 *
 * @module
 */
import { connect, type ConsumeMessage } from 'amqplib'
import { extractRun, joinRun, wrapAgent, type RunRef } from 'runspan'

import { askModel } from '../model.ts'

interface Body {
  readonly file: string
  readonly title: string
  readonly ref: RunRef
}

async function work({ properties, content }: ConsumeMessage): Promise<void> {
  const body = JSON.parse(content.toString()) as Body
  if (properties.type === 'load rows') {
    const run = extractRun(properties.headers)
    await joinRun(run, () => askModel(`Name the columns of ${body.file}`), { name: 'load rows' })
  } else {
    // How often it was delivered before and not acknowledged; the header is not there the first time.
    const attempt = Number(properties.headers?.['x-delivery-count'] ?? 0) + 1
    await wrapAgent('writer', () => askModel(`Report on ${body.title}`), { from: body.ref, attempt })
  }
}

const connection = await connect(process.env['AMQP_URL']!)
const channel = await connection.createChannel()
await channel.assertQueue('agents', { arguments: { 'x-queue-type': 'quorum' } })
await channel.prefetch(1)
await channel.consume('agents', (message) => {
  if (message === null) return
  work(message).then(
    () => channel.ack(message),
    () => channel.nack(message),
  )
})
process.once('SIGTERM', () => void connection.close())
