import { SpanKind, type Attributes } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_TOOL_NAME,
} from '../attributes.ts'
import { SpanNames, agentSpanNames } from './span-names.ts'
import type { LlmInit, SpanInit, WorkType } from './types.ts'

/** Name, kind and starting attributes of a span. */
export interface SpanShape {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
}

const toolSpanNames = new SpanNames('execute_tool')
const retrievalSpanNames = new SpanNames('retrieval')
const chatSpanNames = new SpanNames('chat')

/**
 * What a piece of work looks like as a span (GenAI conventions, "Spans"). Operation, model and tool name are given at
 * the start, because samplers see nothing later.
 */
export function shapeOf(
  name: string,
  type: WorkType,
  init: SpanInit & Pick<LlmInit<unknown>, 'model' | 'provider'>,
): SpanShape {
  switch (type) {
    case 'agent':
      return shape(agentSpanNames.of(name), SpanKind.INTERNAL, 'invoke_agent', ATTR_GEN_AI_AGENT_NAME, name, init)
    case 'tool': {
      const toolName = init.toolName ?? name
      return shape(toolSpanNames.of(toolName), SpanKind.INTERNAL, 'execute_tool', ATTR_GEN_AI_TOOL_NAME, toolName, init)
    }
    case 'retrieval':
      return shape(retrievalSpanNames.of(name), SpanKind.CLIENT, 'retrieval', undefined, undefined, init)
    case 'llm': {
      const result = shape(
        chatSpanNames.of(init.model ?? name),
        SpanKind.CLIENT,
        'chat',
        ATTR_GEN_AI_REQUEST_MODEL,
        init.model,
        init,
      )
      if (init.provider !== undefined) result.attributes[ATTR_GEN_AI_PROVIDER_NAME] = init.provider
      return result
    }
    case 'chain':
    case 'function':
      break
  }
  return { name, kind: SpanKind.INTERNAL, attributes: { ...init.attributes } }
}

function shape(
  name: string,
  kind: SpanKind,
  operation: string,
  key: string | undefined,
  value: string | undefined,
  init: SpanInit,
): SpanShape {
  const attributes: Attributes = { [ATTR_GEN_AI_OPERATION_NAME]: operation }
  if (key !== undefined && value !== undefined) attributes[key] = value
  if (init.attributes !== undefined) Object.assign(attributes, init.attributes)
  return { name, kind, attributes }
}
