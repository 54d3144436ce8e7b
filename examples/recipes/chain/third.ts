/**
 * The third of three services, on Hono.
 *
 * @module
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { honoMiddleware } from 'runspan/middleware'
import { carryRuns } from 'runspan/node'

import { askModel } from '../model.ts'

// It asks no other service, and says so: otherwise every host that it sends a trace to may have joined.
carryRuns({ to: [] })

const app = new Hono()
app.use(honoMiddleware({ trust: true }))
app.get('/ranks/:topic', async (c) => {
  const { text } = await askModel(`Rank ${c.req.param('topic')}`)
  return c.json([text])
})
const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 8083) },
  ({ port }) => {
    console.log(`http://127.0.0.1:${port}`)
  },
)
process.once('SIGTERM', () => server.close())
