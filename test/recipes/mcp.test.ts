import { expect, it } from 'vitest'

import type { RunTree } from '../../src/query/index.ts'
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
  expectAllHome(store.run(runId))
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
  expectAllHome(store.run(runId))
})

/** The result brought home what the tool cost: the root knew it when it ended. */
function expectAllHome({ root, ownTotals, totals }: RunTree): void {
  expect(root?.attributes).toMatchObject({ 'runspan.rollup.complete': true, 'runspan.rollup.remote_segments': 1 })
  for (const numbers of [ownTotals, totals])
    expect(numbers).toMatchObject({ llmCalls: 1, toolCalls: 1, ...answerTokens })
}
