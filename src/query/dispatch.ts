import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_RUNSPAN_CHILD_RUN_ID,
  ATTR_RUNSPAN_LINK_TYPE,
  ATTR_RUNSPAN_RUN_GOAL,
} from '../attributes.ts'
import { textAt } from './attribute-values.ts'
import { runKeyOf } from './run-key.ts'
import type { StoredSpan } from './stored-span.ts'

/** The span that a run leaves in the trace it was started from. */
export interface Dispatch {
  readonly span: StoredSpan
  readonly childRunId: string
  readonly agent: string | undefined
  readonly goal: string | undefined
  /** True where the child was left to start by itself, under an id minted for it: it may not have started yet. */
  readonly isSpawn: boolean
  /** False where the run only happened to start here, and names no parent. Where links are dropped, it is true. */
  readonly isParent: boolean
}

/** Reads a dispatch span; `undefined` where the span is none. */
export function dispatchOf(span: StoredSpan): Dispatch | undefined {
  const childRunId = textAt(span.attributes, ATTR_RUNSPAN_CHILD_RUN_ID)
  if (childRunId === undefined) return undefined
  return {
    span,
    childRunId: runKeyOf(childRunId),
    agent: textAt(span.attributes, ATTR_GEN_AI_AGENT_NAME),
    goal: textAt(span.attributes, ATTR_RUNSPAN_RUN_GOAL),
    isSpawn: span.kind === 'producer',
    isParent: !span.links.some((link) => link.attributes[ATTR_RUNSPAN_LINK_TYPE] === 'trigger'),
  }
}
