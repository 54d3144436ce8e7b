/**
 * A planner whose tools are an MCP server's: at `MCP_URL`, or started by this program.
 *
 * @module
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { injectRun, takeTotals, tool, wrapAgent } from 'runspan'

const url = process.env['MCP_URL']
const client = new Client({ name: 'planner', version: '1.0.0' })
if (url === undefined) {
  const args = ['--import', 'runspan/register', new URL('stdio-server.ts', import.meta.url).pathname]
  // The server is started once, for any number of runs: its environment carries none.
  const env = { ...(process.env as Record<string, string>), OTEL_SERVICE_NAME: 'library' }
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env }))
} else {
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
}

const search = tool('search', async (query: string) => {
  const carrier = injectRun({}, { expectReply: true })
  const result = await client.callTool({ name: 'search', arguments: { query }, _meta: carrier })
  takeTotals(result['_meta'])
  return result
})
const { runId } = await wrapAgent('planner', () => search('tides'))
console.log(runId)
await client.close()
