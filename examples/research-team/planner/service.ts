/**
 * Takes questions over HTTP; each is one run of the planner.
 *
 * @module
 */
import { stopTelemetry } from './telemetry.ts'

import { randomUUID } from 'node:crypto'

import express from 'express'
import { runIdOf, wrapAgent } from 'runspan'
import { z } from 'zod'

import { callerSignal } from '../team/caller-signal.ts'
import { requireVariable } from '../team/environment.ts'
import { serve } from '../team/http-service.ts'
import type { ReportJob } from '../team/report-job.ts'
import { SpoolQueue } from '../team/spool-queue.ts'
import { plan } from './planner.ts'

const reports = await new SpoolQueue<ReportJob>(requireVariable('QUEUE_DIRECTORY')).open()
const asked = z.object({ question: z.string().min(1), conversationId: z.string().default(() => randomUUID()) })

const app = express()
app.use(express.json())
app.post('/ask', async (request, response) => {
  const { question, conversationId } = asked.parse(request.body)
  const { result, runId } = await wrapAgent('planner', (run) => plan(run, conversationId, reports), {
    input: question,
    goal: question,
    conversationId,
    signal: callerSignal(response),
  })
  response.json({ runId, conversationId, ...result })
})
app.use(((error, _request, response, _next) => {
  response.status(500).json({ error: String(error), runId: runIdOf(error) })
}) satisfies express.ErrorRequestHandler)

serve(app, stopTelemetry)
