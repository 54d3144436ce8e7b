import {
  ATTR_GEN_AI_EVALUATION_EXPLANATION,
  ATTR_GEN_AI_EVALUATION_NAME,
  ATTR_GEN_AI_EVALUATION_SCORE_LABEL,
  ATTR_GEN_AI_EVALUATION_SCORE_VALUE,
  ATTR_RUNSPAN_REVIEWER_ID,
  ATTR_RUNSPAN_REVIEWER_KIND,
  ATTR_RUNSPAN_TARGET_RUN_ID,
} from '../attributes.ts'
import { numberAt, textAt } from './attribute-values.ts'
import { resolveRun } from './resolve-run.ts'
import type { Review } from './run-reader.ts'
import { runTreeOf } from './run-tree.ts'
import type { SpanSource } from './span-source.ts'
import { byStart, spansByTrace } from './spans-by-trace.ts'
import type { StoredSpan } from './stored-span.ts'

/** Reads what names a run as what it judges: by the run's id, and by the one that was asked for. */
export async function readReviews(source: SpanSource, runId: string): Promise<readonly Review[]> {
  const found = await resolveRun(source, runId, 0)
  const requested = found && runTreeOf(found.trace.traceId, found.trace.outline).requestedRunId
  const ids = new Set([runId, found?.trace.traceId ?? runId, requested ?? runId])
  const spans: StoredSpan[] = []
  for (const id of ids) spans.push(...(await source.findNaming(ATTR_RUNSPAN_TARGET_RUN_ID, id)))
  return [...spansByTrace(spans).values()].flat().toSorted(byStart).map(reviewOf)
}

function reviewOf(span: StoredSpan): Review {
  const text = (key: string): string | undefined => textAt(span.attributes, key)
  return {
    name: text(ATTR_GEN_AI_EVALUATION_NAME),
    score: numberAt(span.attributes, ATTR_GEN_AI_EVALUATION_SCORE_VALUE),
    label: text(ATTR_GEN_AI_EVALUATION_SCORE_LABEL),
    comment: text(ATTR_GEN_AI_EVALUATION_EXPLANATION),
    reviewerId: text(ATTR_RUNSPAN_REVIEWER_ID),
    reviewerKind: text(ATTR_RUNSPAN_REVIEWER_KIND),
    timeUnixNano: span.startUnixNano,
    span,
  }
}
