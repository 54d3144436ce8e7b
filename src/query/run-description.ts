import {
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_RUNSPAN_FIRST_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_REQUESTED_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_ATTEMPT,
  ATTR_RUNSPAN_RUN_DETACHED,
  ATTR_RUNSPAN_RUN_GOAL,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_RUNSPAN_RUN_STATUS_REASON,
  ATTR_USER_ID,
} from '../attributes.ts'
import { agentNameOf, isAdopted } from './agent-part.ts'
import { isSetAt, numberAt, textAt } from './attribute-values.ts'
import { runKeyOf } from './run-key.ts'
import { serviceOf } from './service-of.ts'
import type { StoredSpan } from './stored-span.ts'

/**
 * What a run's root says about the run. Without a root, what its start marker or a checkpoint says; without those, only what
 * all of its spans say.
 */
export interface RunDescription {
  readonly agent: string | undefined
  /** The service that wrote the root, or is to write it. */
  readonly service: string | undefined
  /** completed, failed, cancelled, timeout or abandoned, as it was written; `undefined` before the end. */
  readonly status: string | undefined
  readonly statusReason: string | undefined
  /** Class and message of the failure, where the run failed. */
  readonly failure: { readonly type: string; readonly message: string | undefined } | undefined
  readonly goal: string | undefined
  /** As it was written: a run id, or any text. The run it names may not be there. */
  readonly parentRunId: string | undefined
  /** The first run of the family, where the run knew it. */
  readonly rootRunId: string | undefined
  /** The run id that was asked for and could not be kept; others may know the run by it. */
  readonly requestedRunId: string | undefined
  /** The run that this one is another execution of. */
  readonly firstRunId: string | undefined
  /** Which delivery this is, from 1. */
  readonly attempt: number
  /** True where nobody awaits the run. */
  readonly isDetached: boolean
  readonly conversationId: string | undefined
  readonly userId: string | undefined
}

/**
 * Reads what a root says, or what stands for one that has not come.
 *
 * @param any some span of the run: conversation and user are on all of them
 */
export function describeRun(root: StoredSpan | undefined, any: StoredSpan | undefined): RunDescription {
  const attributes = root?.attributes ?? {}
  const text = (key: string): string | undefined => textAt(attributes, key)
  const runId = (key: string): string | undefined => {
    const written = text(key)
    return written === undefined ? undefined : runKeyOf(written)
  }
  return {
    agent: root !== undefined && isAdopted(root) ? agentNameOf(root) : text(ATTR_GEN_AI_AGENT_NAME),
    service: root === undefined ? undefined : serviceOf(root),
    status: text(ATTR_RUNSPAN_RUN_STATUS) ?? statusOfAgent(root),
    statusReason: text(ATTR_RUNSPAN_RUN_STATUS_REASON),
    failure:
      root?.status.code === 'error'
        ? { type: text(ATTR_ERROR_TYPE) ?? '_OTHER', message: root.status.message }
        : undefined,
    goal: text(ATTR_RUNSPAN_RUN_GOAL),
    parentRunId: runId(ATTR_RUNSPAN_PARENT_RUN_ID),
    rootRunId: runId(ATTR_RUNSPAN_ROOT_RUN_ID),
    requestedRunId: runId(ATTR_RUNSPAN_REQUESTED_RUN_ID),
    firstRunId: runId(ATTR_RUNSPAN_FIRST_RUN_ID),
    attempt: numberAt(attributes, ATTR_RUNSPAN_RUN_ATTEMPT) ?? 1,
    isDetached: isSetAt(attributes, ATTR_RUNSPAN_RUN_DETACHED),
    conversationId: textAt((root ?? any)?.attributes ?? {}, ATTR_GEN_AI_CONVERSATION_ID),
    userId: textAt((root ?? any)?.attributes ?? {}, ATTR_USER_ID),
  }
}

/** An agent that is no run has no status of its own: its span says whether it failed. */
function statusOfAgent(root: StoredSpan | undefined): string | undefined {
  if (root === undefined || !isAdopted(root)) return undefined
  return root.status.code === 'error' ? 'failed' : 'completed'
}
