/**
 * The library, over streamable HTTP and without sessions.
 *
 * @module
 */
import type { AddressInfo } from 'node:net'

import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'

import { createLibrary } from './library.ts'

const app = express()
app.use(express.json())
app.post('/mcp', async (request, response) => {
  const transport = new StreamableHTTPServerTransport()
  response.on('close', () => void transport.close())
  await createLibrary().connect(transport)
  await transport.handleRequest(request, response, request.body)
})
const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
})
process.once('SIGTERM', () => server.close())
