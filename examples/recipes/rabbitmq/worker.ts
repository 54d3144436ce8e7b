/**
 * Works on the planner's messages: joins its run for the one, opens the run that it started for the other.
 *
 * @module
 */
import { connect, type ConsumeMessage } from 'amqplib'
import { extractRun, injectTotals, joinRun, wrapAgent, type RunRef } from 'runspan'

import { askModel } from '../model.ts'

interface Body {
  readonly file: string
  readonly title: string
  readonly ref: RunRef
}

async function work({ properties, content }: ConsumeMessage): Promise<void> {
  const body = JSON.parse(content.toString()) as Body
  // How often it was delivered before and not acknowledged; the header is not there the first time.
  const attempt = Number(properties.headers?.['x-delivery-count'] ?? 0) + 1
  if (properties.type === 'load rows') {
    // A reply brings home what this part came to, where the planner waits for one.
    const load = async () => {
      const { text } = await askModel(`Name the columns of ${body.file}`)
      return { columns: text, headers: injectTotals({}, { attempt }) }
    }
    const { columns, headers } = await joinRun(extractRun(properties.headers), load, { name: 'load rows' })
    const { replyTo, correlationId = '' } = properties as { readonly replyTo?: string; readonly correlationId?: string }
    if (replyTo !== undefined) channel.sendToQueue(replyTo, Buffer.from(columns), { headers, correlationId })
  } else {
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
