/**
 * The second of three services, on Fastify.
 *
 * @module
 */
import { fastify } from 'fastify'
import { fastifyPlugin } from 'runspan/middleware'
import { carryRuns } from 'runspan/node'

import { askModel } from '../model.ts'

const next = process.env['NEXT_URL']!
carryRuns({ to: [new URL(next).host] })

const app = fastify()
await app.register(fastifyPlugin({ trust: true }))
app.get<{ Params: { topic: string } }>('/searches/:topic', async ({ params: { topic } }) => {
  const { text } = await askModel(`Search for ${topic}`)
  const answer = await fetch(`${next}/ranks/${topic}`)
  return [text, ...((await answer.json()) as string[])]
})
console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 8082) }))
process.once('SIGTERM', () => void app.close())
