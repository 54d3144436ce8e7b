import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_RUNSPAN_FIRST_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_REQUESTED_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_OPEN,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_USER_ID,
} from '../../../attributes.ts'
import { mayBeOpen, type RunFilter } from '../../run-filter.ts'

/**
 * Finds spans of the roots of wanted runs, and of those that may be open their start markers and checkpoints. All
 * conditions are on one span.
 */
export function traceQlOf(filter: RunFilter): string {
  const isRoot = `span.${ATTR_GEN_AI_OPERATION_NAME} = "invoke_agent"`
  const isAny = mayBeOpen(filter) ? `(${isRoot} || span.${ATTR_RUNSPAN_RUN_OPEN} = true)` : isRoot
  const conditions = {
    'resource.service.name': filter.service,
    [`span.${ATTR_GEN_AI_AGENT_NAME}`]: filter.agent,
    [`span.${ATTR_USER_ID}`]: filter.userId,
    [`span.${ATTR_GEN_AI_CONVERSATION_ID}`]: filter.conversationId,
    [`span.${ATTR_RUNSPAN_RUN_STATUS}`]: filter.status === 'open' ? undefined : filter.status,
    [`span.${ATTR_RUNSPAN_PARENT_RUN_ID}`]: filter.parentRunId,
    [`span.${ATTR_RUNSPAN_ROOT_RUN_ID}`]: filter.rootRunId,
    [`span.${ATTR_RUNSPAN_REQUESTED_RUN_ID}`]: filter.requestedRunId,
    [`span.${ATTR_RUNSPAN_FIRST_RUN_ID}`]: filter.firstRunId,
  }
  return spanset(conditions, isAny)
}

/**
 * A query for spans on which each attribute has its value, the newest traces first. Without that wish Tempo answers the
 * first ones it finds, in no order.
 *
 * @param first a condition of another kind
 */
export function spanset(conditions: Readonly<Record<string, string | undefined>>, first?: string): string {
  const parts = Object.entries(conditions).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} = ${quoted(value)}`],
  )
  return `{ ${[...(first === undefined ? [] : [first]), ...parts].join(' && ')} } with (most_recent=true)`
}

/** A string of TraceQL, which reads them as Go does. */
function quoted(text: string): string {
  return `"${text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`)}"`
}
