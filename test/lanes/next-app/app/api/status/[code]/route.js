import { handle } from '../../handle.js'

export const GET = handle('/api/status/[code]', async (_request, { params }) =>
  Response.json({}, { status: Number((await params).code) }),
)
