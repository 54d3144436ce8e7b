import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_RUNSPAN_ADOPTED,
  ATTR_RUNSPAN_ROLLUP_AGENT_SPAN_IDS,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
} from '../attributes.ts'
import { isSetAt, listAt, textAt } from './attribute-values.ts'
import { durationMillisOf } from './duration.ts'
import { partOf, type Part } from './part.ts'
import { serviceOf } from './service-of.ts'
import type { StoredSpan } from './stored-span.ts'

/**
 * A framework's agent that nobody made a run or a joined part: it works in a trace that may be no run at all, that of an
 * HTTP request for example, or in a run of another process that it did not join. Its numbers are in no other part.
 */
export interface AgentPart extends Part {
  /** The agent's span. */
  readonly span: StoredSpan
  /** The agent's name, else that of its span. */
  readonly agent: string
  /** Who did the work, where the span's resource says so. */
  readonly service: string | undefined
  readonly durationMillis: number
}

/** Whether a span is that of a framework's agent whose totals Runspan wrote although nobody wrapped it. */
export function isAdopted(span: StoredSpan): boolean {
  return isSetAt(span.attributes, ATTR_RUNSPAN_ADOPTED)
}

/** The agents of a trace that are no runs, but for those that another one's totals hold, in the order given. */
export function agentSpansOf(spans: readonly StoredSpan[]): readonly StoredSpan[] {
  const held = new Set(spans.flatMap(heldIdsOf))
  return spans.filter(
    (span) => isAdopted(span) && span.attributes[ATTR_RUNSPAN_ROLLUP_SCOPE] === 'agent' && !held.has(span.spanId),
  )
}

/** Agents below a span whose numbers are in its own. */
function heldIdsOf({ attributes }: StoredSpan): readonly unknown[] {
  return listAt(attributes, ATTR_RUNSPAN_ROLLUP_AGENT_SPAN_IDS)
}

/** Reads an agent from its span and its amendments. */
export function agentPartOf(span: StoredSpan, amendments: readonly StoredSpan[]): AgentPart {
  return {
    ...partOf(span, amendments),
    span,
    agent: agentNameOf(span),
    service: serviceOf(span),
    durationMillis: durationMillisOf(span),
  }
}

/** Frameworks that do not name their agents name their spans. */
export function agentNameOf(span: StoredSpan): string {
  return textAt(span.attributes, ATTR_GEN_AI_AGENT_NAME) ?? span.name
}
