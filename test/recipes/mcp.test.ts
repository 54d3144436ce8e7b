import { expect, it } from 'vitest'

import { expectTrace } from '../support/trace-text.ts'
import { startBench } from './bench.ts'
import { answerTokens } from './model.ts'

const expected = `
  planner: invoke_agent planner
    planner: execute_tool search
      library: tools/call search
        library: chat small-model
`

it('carries a run to an MCP server on stdio', async () => {
  await using bench = await startBench()
  const { store, programs } = bench
  const client = programs.node('mcp/client.ts', { OTEL_SERVICE_NAME: 'planner' })
  const runId = await client.line()
  await client.done
  expectTrace(store.text(runId)).toBe(expected)
  expect(store.run(runId).totals).toMatchObject({ llmCalls: 1, toolCalls: 1, ...answerTokens })
})

it('carries a run to an MCP server over streamable HTTP', async () => {
  await using bench = await startBench()
  const { store, programs } = bench
  const server = programs.node('mcp/http-server.ts', { OTEL_SERVICE_NAME: 'library', PORT: '0' })
  const url = await server.line()
  const client = programs.node('mcp/client.ts', { OTEL_SERVICE_NAME: 'planner', MCP_URL: url })
  const runId = await client.line()
  await client.done
  await server.stop()
  expectTrace(store.text(runId)).toBe(expected)
  expect(store.run(runId).totals).toMatchObject({ llmCalls: 1, toolCalls: 1, ...answerTokens })
})
