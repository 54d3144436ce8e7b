import type { Attributes } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { readSpan } from '../../src/rollup/read-span.ts'
import type { SpanRole } from '../../src/rollup/span-role.ts'

type Row = readonly [attributes: Attributes, role: SpanRole, name?: string, scope?: string]

const byOperation: readonly Row[] = [
  ...['chat', 'generate_content', 'text_completion', 'embeddings'].map((name): Row => [op(name), 'leaf']),
  ...['agent_step', 'invoke_workflow', 'create_agent', 'plan'].map((name): Row => [op(name), 'container']),
  [op('invoke_agent'), 'agent'],
  [op('execute_tool'), 'tool'],
  [op('fetch_response'), 'never'],
  [op('decide'), 'unknown'],
  [op('rerank'), 'unknown'],
  [op('chain'), 'unknown'],
  [{}, 'unknown'],
]

const byProducer: readonly Row[] = [
  ...['generateText.doGenerate', 'streamText.doStream', 'embedMany.doEmbed', 'rerank.doRerank'].map((id): Row => [
    { 'ai.operationId': `ai.${id}` },
    'leaf',
  ]),
  ...['generateText', 'streamText', 'streamObject', 'embedMany'].map((id): Row => [
    { 'ai.operationId': `ai.${id}` },
    'container',
  ]),
  [{ 'ai.operationId': 'ai.toolCall' }, 'tool'],
  ...['LLM', 'EMBEDDING', 'RERANKER'].map((kind): Row => [{ 'openinference.span.kind': kind }, 'leaf']),
  ...['CHAIN', 'RETRIEVER', 'GUARDRAIL', 'EVALUATOR', 'PROMPT'].map((kind): Row => [
    { 'openinference.span.kind': kind },
    'container',
  ]),
  [{ 'openinference.span.kind': 'AGENT' }, 'agent'],
  [{ 'openinference.span.kind': 'TOOL' }, 'tool'],
  [{ 'llm.request.type': 'chat' }, 'leaf'],
  ...['workflow', 'task', 'session'].map((kind): Row => [{ 'traceloop.span.kind': kind }, 'container']),
  [{ 'traceloop.span.kind': 'agent' }, 'agent'],
  [{ 'traceloop.span.kind': 'tool' }, 'tool'],
  ...['generation', 'embedding'].map((type): Row => [{ 'langfuse.observation.type': type }, 'leaf']),
  [{ 'langfuse.observation.type': 'span' }, 'container'],
  [{ 'lmnr.span.type': 'LLM' }, 'leaf'],
  [{ 'lmnr.span.type': 'DEFAULT' }, 'container'],
  ...['llm', 'embedding'].map((kind): Row => [{ 'langsmith.span.kind': kind }, 'leaf']),
  ...['prompt', 'chain', 'retriever'].map((kind): Row => [{ 'langsmith.span.kind': kind }, 'container']),
  [{ 'langsmith.span.kind': 'tool' }, 'tool'],
  ...['CHAT_MODEL', 'LLM', 'EMBEDDING', '"CHAT_MODEL"'].map((type): Row => [{ 'mlflow.spanType': type }, 'leaf']),
  ...['CHAIN', '"CHAIN"'].map((type): Row => [{ 'mlflow.spanType': type }, 'container']),
  [{ 'mlflow.spanType': '"TOOL"' }, 'tool'],
  [{}, 'leaf', 'call_llm'],
  [{}, 'leaf', 'claude_code.llm_request'],
  [{}, 'tool', 'claude_code.tool'],
  [{}, 'unknown', 'claude_code.interaction'],
]

const contradicting: readonly Row[] = [
  // Traceloop's processor puts generic usage keys on AI SDK containers, and LangSmith calls a prompt `chat`.
  [{ 'ai.operationId': 'ai.generateText', 'llm.request.type': 'chat' }, 'container'],
  [{ 'ai.operationId': 'ai.generateText', ...op('chat') }, 'container'],
  [{ 'langsmith.span.kind': 'prompt', ...op('chat') }, 'container'],
  [{ 'langsmith.span.kind': 'chain', ...op('chain') }, 'container'],
  // openinference-vercel marks AI SDK spans of both levels.
  [{ 'ai.operationId': 'ai.streamText', 'openinference.span.kind': 'LLM' }, 'container'],
  [{ 'langfuse.observation.type': 'span', ...op('invoke_agent') }, 'agent'],
  [op('chat'), 'never', 'messages', 'com.anthropic.claude-platform'],
  [{}, 'never', 'messages', 'com.anthropic.claude-platform'],
  [op('execute_tool'), 'tool', 'web_search', 'com.anthropic.claude-platform'],
  [op('chat'), 'leaf', 'anthropic.messages.create', 'com.anthropic.sdk.typescript'],
]

function op(name: string): Attributes {
  return { 'gen_ai.operation.name': name }
}

describe('the role of a span', () => {
  const all: readonly Row[] = [...byOperation, ...byProducer, ...contradicting]
  it.each(all.map(([attributes, role, name = 'span', scope = 'scope']) => ({ attributes, role, name, scope })))(
    'is $role for $attributes, named $name, of $scope',
    ({ attributes, role, name, scope }) => {
      expect(readSpan(name, attributes, scope).role).toBe(role)
    },
  )

  it('does not change with the order in which spans of one name length are read', () => {
    // Keys are looked up by their place in the span before: a row that is wrong has to mend itself.
    const spans = [...byProducer, ...byOperation].filter(([, , name]) => name === undefined)
    for (const order of [spans, spans.toReversed()]) {
      for (const [attributes, role] of order) {
        expect(readSpan('same', { 'http.method': 'GET', ...attributes }, 'scope').role).toBe(role)
        expect(readSpan('same', attributes, 'scope').role).toBe(role)
      }
    }
  })
})
