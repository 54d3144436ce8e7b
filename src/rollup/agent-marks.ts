import type { Attributes } from '@opentelemetry/api'

import { ALIASES_OF_ROLE, ATTR_GEN_AI_OPERATION_NAME, ATTR_RUNSPAN_CHILD_RUN_ID } from '../attributes.ts'
import type { ReadableSpanLike } from './span-like.ts'

const kindInternal = 0
const kindServer = 1
const kindConsumer = 4
/** Kinds that mark the caller's side: what they call may be an agent elsewhere. */
const kindClient = 2
const kindProducer = 3

/** The conventions' operations, and those of Strands. */
const invocations: ReadonlySet<string> = new Set(['invoke_agent', 'invoke_workflow', 'invoke_graph', 'invoke_swarm'])

const aiSdkCall = /^ai\.(?:generate|stream)(?:Text|Object)$/

/** Whether a span stands for a whole invocation of an agent, chain or workflow. */
export function isAgentSpan({ name, attributes, instrumentationScope }: ReadableSpanLike): boolean {
  return (
    hasAgentMark(attributes) ||
    name === 'claude_code.interaction' ||
    // Google's ADK gives its runner's span no mark but this name.
    (name === 'invocation' && instrumentationScope?.name === 'gcp.vertex.agent')
  )
}

/**
 * Whether a producer marks a span as an agent, chain or workflow. As with roles, a producer's own mark is believed
 * before a generic one.
 */
export function hasAgentMark(attributes: Attributes): boolean {
  const aiSdk = attributes[ALIASES_OF_ROLE.aiSdkOperation]
  if (typeof aiSdk === 'string') return aiSdkCall.test(aiSdk)
  const langsmith = attributes[ALIASES_OF_ROLE.langsmith]
  if (typeof langsmith === 'string') return langsmith === 'chain'
  const operation = attributes[ATTR_GEN_AI_OPERATION_NAME]
  if (typeof operation === 'string' && invocations.has(operation)) {
    // The span that a run leaves where it was started stands for nothing of its own.
    return attributes[ATTR_RUNSPAN_CHILD_RUN_ID] === undefined
  }
  const openInference = attributes[ALIASES_OF_ROLE.openInference]
  if (typeof openInference === 'string') return isOneOf(openInference, 'agent', 'chain')
  const langfuse = attributes[ALIASES_OF_ROLE.langfuse]
  if (typeof langfuse === 'string') return isOneOf(langfuse, 'agent', 'chain')
  const traceloop = attributes[ALIASES_OF_ROLE.traceloop]
  if (typeof traceloop === 'string') return isOneOf(traceloop, 'agent', 'workflow')
  const mlflow = attributes[ALIASES_OF_ROLE.mlflow]
  return typeof mlflow === 'string' && isOneOf(mlflow.replaceAll('"', ''), 'agent', 'chain')
}

/** Whether a span inside a run is an agent's own, with sums of its own. A CLIENT `invoke_agent` is a call, not a container. */
export function isAgentInside({ kind, attributes }: Pick<ReadableSpanLike, 'kind' | 'attributes'>): boolean {
  return kind === kindInternal && attributes[ATTR_GEN_AI_OPERATION_NAME] === 'invoke_agent'
}

/** Whether a span is the answering side of a call: an agent may work below it. */
export function isRequest({ kind }: ReadableSpanLike): boolean {
  return kind === kindServer || kind === kindConsumer
}

/** Whether a span is the caller's side of a call: it stands for an agent only if that worked in this process. */
export function isCallElsewhere({ kind }: ReadableSpanLike): boolean {
  return kind === kindClient || kind === kindProducer
}

function isOneOf(kind: string, first: string, second: string): boolean {
  const lower = kind.toLowerCase()
  return lower === first || lower === second
}
