import { currentRun, currentRunId } from 'runspan'

import { find, handle } from '../../handle.js'

async function answer(request, { params }) {
  const { what } = await params
  const body = request.method === 'POST' ? await request.json() : null
  find()
  return Response.json({ what, body, runId: currentRunId() ?? null, joined: currentRun()?.joined ?? null })
}

export const GET = handle('/api/find/[what]', answer)
export const POST = handle('/api/find/[what]', answer)
