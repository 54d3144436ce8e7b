import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { extractRun, injectTotals, joinRun } from 'runspan'
import { z } from 'zod'

import { askModel } from '../model.ts'

/** A server whose tool joins the run that its caller is in; over which transport makes no difference. */
export function createLibrary(): McpServer {
  const server = new McpServer({ name: 'library', version: '1.0.0' })
  server.registerTool('search', { inputSchema: { query: z.string() } }, ({ query }, { _meta }) =>
    joinRun(
      extractRun(_meta),
      async () => {
        const { text } = await askModel(`Search for ${query}`)
        return { content: [{ type: 'text' as const, text }], _meta: injectTotals({}) }
      },
      { name: 'tools/call search' },
    ),
  )
  return server
}
