/**
 * Takes tasks from the planner over HTTP; each is a run of its own, linked to the planner's.
 *
 * @module
 */
import { stopTelemetry } from './telemetry.ts'

import express from 'express'
import { extractRun, runIdOf, wrapAgent } from 'runspan'
import { z } from 'zod'

import { callerSignal } from '../team/caller-signal.ts'
import { serve } from '../team/http-service.ts'
import { isFromTeam } from '../team/team.ts'
import { research } from './executor.ts'

const asked = z.object({ task: z.string().min(1), conversationId: z.string() })

const app = express()
app.use(express.json())
app.post('/run', async (request, response) => {
  const { task, conversationId } = asked.parse(request.body)
  const { result, runId } = await wrapAgent('executor', research, {
    // Not joined: research has a bill of its own, and its run says who asked for it.
    parentRunId: isFromTeam(request) ? extractRun(request.headers) : undefined,
    input: task,
    goal: task,
    conversationId,
    signal: callerSignal(response),
  })
  response.json({ runId, findings: result })
})
app.use(((error, _request, response, _next) => {
  response.status(500).json({ error: String(error), runId: runIdOf(error) })
}) satisfies express.ErrorRequestHandler)

serve(app, stopTelemetry)
