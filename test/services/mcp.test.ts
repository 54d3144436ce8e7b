import { fileURLToPath } from 'node:url'

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, it } from 'vitest'

import { injectRun, tool, wrapAgent } from '../../src/index.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, kind, traceText, type ShownSpan } from '../support/trace-text.ts'

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

it('carries a run to an MCP server in params._meta, with the official SDK on both sides', async () => {
  await using sink = await startOtlpSink()
  await using spans = recordSpans()
  const client = new Client({ name: 'planner', version: '1.0.0' })
  await client.connect(
    new StdioClientTransport({
      command: fromRoot('node_modules/.bin/node'),
      args: [fromRoot('test/fixtures/mcp-server.ts')],
      env: { PATH: process.env['PATH']!, SINK: sink.url, NODE_NO_WARNINGS: '1' },
      stderr: 'inherit',
    }),
  )
  const search = async (query: string): Promise<unknown> => {
    const { content } = await client.callTool({ name: 'search', arguments: { query }, _meta: injectRun({}) })
    return (content as readonly { text: string }[])[0]?.text
  }
  const { runId, result } = await wrapAgent('planner', () => tool('search', search)('tides'))
  expect(result).toBe(`tides in ${runId}`)
  // The control: outside a run there is nothing to carry.
  expect(await search('tides')).toBe('tides in no run')
  await client.close()
  await expect.poll(() => sink.of(runId).length).toBe(2)
  expectTrace(traceText([...spans.of(runId), ...sink.of(runId)] as ShownSpan[], { kind })).toBe(`
    invoke_agent planner
      execute_tool search
        tools/call search
          chat small-model    kind=CLIENT
  `)
  expect(sink.of(runId)[0]?.attributes).toMatchObject({ 'runspan.segment': true, 'runspan.usage.input_tokens': 5 })
  expect(spans.root(runId).attributes['runspan.rollup.incomplete_reasons']).toEqual(['shared'])
})
