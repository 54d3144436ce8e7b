import type { Attributes } from '@opentelemetry/api'

import {
  ALIASES_OF_ROLE,
  ALIASES_OF_TOOL_NAME,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_TOOL_NAME,
} from '../attributes.ts'

/**
 * What a span is to the rollup.
 *
 * - `leaf`: stands for one model call; its usage counts.
 * - `agent`: a container that bounds what an outer leaf may claim; its usage counts only if nothing below it did.
 * - `container`: repeats its children's usage; counts only if nothing below it did.
 * - `tool`: one tool call, and a boundary as an agent is.
 * - `never`: says something about a call that another span stands for.
 * - `unknown`: everything else; its usage, if it has any, counts only if nothing below it did.
 */
export type SpanRole = 'leaf' | 'agent' | 'container' | 'tool' | 'never' | 'unknown'

/** The role of a span that nothing but its `gen_ai.operation.name` marks. */
export function roleOfOperation(operation: string): SpanRole {
  // No map: the names are there once in the process, and comparing pointers is several times as fast.
  switch (operation) {
    case 'chat':
    case 'generate_content':
    case 'text_completion':
    case 'embeddings':
      return 'leaf'
    case 'execute_tool':
      return 'tool'
    case 'invoke_agent':
      return 'agent'
    case 'agent_step':
    case 'invoke_workflow':
    case 'create_agent':
    case 'plan':
      return 'container'
    case 'fetch_response':
      return 'never'
    default:
      return 'unknown'
  }
}

const aiSdkLeaf = /\.do(?:Generate|Stream|Embed|Rerank)$/

/** Scope of the server's own spans of calls that the client's span stands for already. */
const duplicateScope = 'com.anthropic.claude-platform'

/**
 * Classifies a span. A producer's own mark is believed before a generic one: Traceloop's processor puts generic usage
 * keys on AI SDK containers, and LangSmith calls a prompt `chat`.
 */
export function roleOfMarks(name: string, attributes: Attributes, scopeName: string | undefined): SpanRole {
  const aiSdk = attributes[ALIASES_OF_ROLE.aiSdkOperation]
  if (typeof aiSdk === 'string') return aiSdkLeaf.test(aiSdk) ? 'leaf' : aiSdk === 'ai.toolCall' ? 'tool' : 'container'
  const langsmith = attributes[ALIASES_OF_ROLE.langsmith]
  if (typeof langsmith === 'string') return byName(langsmith, 'llm', 'embedding')
  const mastra = attributes[ALIASES_OF_ROLE.mastra]
  if (typeof mastra === 'string') return roleOfMastra(mastra)
  const operation = attributes[ATTR_GEN_AI_OPERATION_NAME]
  if (typeof operation === 'string') {
    const role = roleOfOperation(operation)
    return role === 'leaf' && scopeName === duplicateScope ? 'never' : role
  }
  return roleWithoutOperation(name, attributes, scopeName)
}

function roleWithoutOperation(name: string, attributes: Attributes, scopeName: string | undefined): SpanRole {
  if (scopeName === duplicateScope) return 'never'
  const openInference = attributes[ALIASES_OF_ROLE.openInference]
  if (typeof openInference === 'string') return byName(openInference.toLowerCase(), 'llm', 'embedding', 'reranker')
  const langfuse = attributes[ALIASES_OF_ROLE.langfuse]
  if (typeof langfuse === 'string') return byName(langfuse, 'generation', 'embedding')
  const laminar = attributes[ALIASES_OF_ROLE.laminar]
  if (typeof laminar === 'string') return byName(laminar.toLowerCase(), 'llm')
  if (attributes[ALIASES_OF_ROLE.traceloopRequest] !== undefined) return 'leaf'
  const traceloop = attributes[ALIASES_OF_ROLE.traceloop]
  if (typeof traceloop === 'string') return byName(traceloop)
  const mlflow = attributes[ALIASES_OF_ROLE.mlflow]
  // MLflow writes every attribute as JSON, its own mark too.
  if (typeof mlflow === 'string')
    return byName(mlflow.replaceAll('"', '').toLowerCase(), 'chat_model', 'llm', 'embedding')
  if (name === 'call_llm' || name === 'claude_code.llm_request') return 'leaf'
  return name === 'claude_code.tool' ? 'tool' : 'unknown'
}

const sumOfCalls = 'model_generation'

/** Whether a model call's span sums up several: Mastra has one with the usage around those of its steps. */
export function sumsUpCalls(attributes: Attributes): boolean {
  return attributes[ALIASES_OF_ROLE.mastra] === sumOfCalls
}

function roleOfMastra(type: string): SpanRole {
  if (type.endsWith('tool_call')) return 'tool'
  return type === 'agent_run' ? 'agent' : byName(type, sumOfCalls, 'model_inference', 'rag_embedding')
}

function byName(kind: string, ...leaves: readonly string[]): SpanRole {
  if (leaves.includes(kind)) return 'leaf'
  return kind === 'tool' || kind === 'agent' ? kind : 'container'
}

/** The tool that a tool span is about. */
export function toolNameOf(attributes: Attributes): string | undefined {
  const standard = attributes[ATTR_GEN_AI_TOOL_NAME]
  if (typeof standard === 'string') return standard
  for (const key of ALIASES_OF_TOOL_NAME) {
    const name = attributes[key]
    if (typeof name === 'string') return name
  }
  return undefined
}
