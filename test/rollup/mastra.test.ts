import { SpanKind } from '@opentelemetry/api'
import { expect, it } from 'vitest'

import { wrapAgent } from '../../src/index.ts'
import { emitSpans, type ForeignSpan } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

/** A span as Mastra's OpenTelemetry bridge writes it. */
const span = (type: string, below: readonly ForeignSpan[] = [], attributes = {}): ForeignSpan => ({
  name: type,
  scope: '@mastra/otel-bridge',
  kind: type === 'model_generation' ? SpanKind.CLIENT : SpanKind.INTERNAL,
  attributes: { 'gen_ai.operation.name': operations[type] ?? type, 'mastra.span.type': type, ...attributes },
  below,
})
const operations: Readonly<Record<string, string>> = {
  agent_run: 'invoke_agent',
  model_generation: 'chat',
  tool_call: 'execute_tool',
  rag_embedding: 'embeddings',
}
const usage = (input: number): object => ({ 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': 1 })
const step = (below: readonly ForeignSpan[] = []): ForeignSpan =>
  span('model_step', [span('model_inference', [span('model_chunk')]), ...below])

async function totalsOf(...spans: readonly ForeignSpan[]): Promise<object> {
  await using recorded = recordSpans({ rollup: { prices: 'none' } })
  const { runId } = await wrapAgent('planner', () => emitSpans(spans))
  const { attributes } = recorded.root(runId)
  return {
    calls: attributes['runspan.calls.llm'],
    input: attributes['runspan.usage.input_tokens'],
    unpriced: attributes['runspan.calls.unpriced'],
    tools: attributes['runspan.calls.tool'],
  }
}

it('counts the steps that Mastra sums up in one span as the calls that they are', async () => {
  const generation = span('model_generation', [step([span('tool_call')]), step()], usage(300))
  expect(await totalsOf(span('agent_run', [generation]))).toEqual({ calls: 2, input: 300, unpriced: 2, tools: 1 })
})

it('adds what an agent used that Mastra called in a tool', async () => {
  const inner = span('agent_run', [span('model_generation', [step(), step(), step()], usage(40))])
  const outer = span('model_generation', [step([span('tool_call', [inner])]), step()], usage(300))
  expect(await totalsOf(span('agent_run', [outer]))).toEqual({ calls: 5, input: 340, unpriced: 5, tools: 1 })
})

it('counts one call where Mastra shows none below its sum, and embeddings as calls', async () => {
  expect(await totalsOf(span('model_generation', [], usage(7)), span('rag_embedding', [], usage(2)))).toEqual({
    calls: 2,
    input: 9,
    unpriced: 2,
    tools: undefined,
  })
})
