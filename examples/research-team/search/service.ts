/**
 * Answers searches over HTTP. It starts no runs: what it does is part of the caller's run, and on its bill.
 *
 * @module
 */
import { stopTelemetry } from './telemetry.ts'

import express from 'express'
import { expressMiddleware } from 'runspan'
import { z } from 'zod'

import { serve } from '../team/http-service.ts'
import { isFromTeam } from '../team/team.ts'
import { search } from './search.ts'

const asked = z.object({ query: z.string().min(1) })

const app = express()
app.use(expressMiddleware({ trust: isFromTeam }))
app.use(express.json())
app.post('/search', async (request, response) => {
  const { query } = asked.parse(request.body)
  response.json({ passages: await search(query) })
})

serve(app, stopTelemetry)
