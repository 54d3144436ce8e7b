/**
 * The first of three services, on Express: it joins the caller's run, and has the second one do a part.
 *
 * @module
 */
import type { AddressInfo } from 'node:net'

import express from 'express'
import { expressMiddleware } from 'runspan/middleware'
import { carryRuns } from 'runspan/node'

import { askModel } from '../model.ts'

const next = process.env['NEXT_URL']!
carryRuns({ to: [new URL(next).host] })

const app = express()
// Whoever can connect is ours: the services listen on the loopback interface alone.
app.use(expressMiddleware({ trust: true }))
app.get('/plans/:topic', async (request, response) => {
  const { topic } = request.params
  const { text } = await askModel(`Plan ${topic}`)
  const answer = await fetch(`${next}/searches/${topic}`)
  response.json([text, ...((await answer.json()) as string[])])
})
const server = app.listen(Number(process.env['PORT'] ?? 8081), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => server.close())
