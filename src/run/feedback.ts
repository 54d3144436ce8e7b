import { ROOT_CONTEXT, SpanKind, context, trace, type Attributes, type Context } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_EVALUATION_EXPLANATION,
  ATTR_GEN_AI_EVALUATION_NAME,
  ATTR_GEN_AI_EVALUATION_SCORE_LABEL,
  ATTR_GEN_AI_EVALUATION_SCORE_VALUE,
  ATTR_RUNSPAN_REVIEWER_ID,
  ATTR_RUNSPAN_REVIEWER_KIND,
  ATTR_RUNSPAN_TARGET_RUN_ID,
  EVENT_GEN_AI_EVALUATION_RESULT,
} from '../attributes.ts'
import { textOf } from '../internal/text-of.ts'
import { VERSION } from '../internal/version.ts'
import { recordsExplicit, redacted } from './content.ts'
import { runIdOfTarget, spanContextOfTarget, typedLink } from './link-target.ts'
import { endQuietly } from './span-handle.ts'
import { startQuietly } from './start-span.ts'
import { count } from './stats.ts'
import type { RunTarget } from './types.ts'
import { ambientTracer } from './ambient-tracer.ts'

/** What somebody thinks of a run. */
export interface Feedback {
  /** What is judged. @defaultValue 'user_feedback' */
  readonly name?: string
  readonly score?: number
  /** Of low cardinality: `good`, `bad` … */
  readonly label?: string
  /** Content. */
  readonly comment?: string
  /** Who judges. */
  readonly userId?: string
}

/**
 * Records feedback on a run, also long after it has ended and from any process: a `gen_ai.evaluation.result` log record
 * in the context of the run's root where the application has a logger provider, else a short span of that name with
 * one link of type `review` to it.
 */
export function recordFeedback(target: RunTarget, feedback: Feedback): void {
  const runId = runIdOfTarget(target)
  const root = runId === undefined ? undefined : spanContextOfTarget(target)
  if (runId === undefined || root === undefined) {
    count('invalidRunIds', `feedback on ${textOf(target)} was left out: it is no run. Pass a run id or a ref.`)
    return
  }
  const attributes = feedbackAttributes(runId, feedback)
  const logger = registeredLogger()
  if (logger !== undefined) {
    emitQuietly(logger, attributes, trace.setSpanContext(ROOT_CONTEXT, root))
    return
  }
  const links = [typedLink('review', root)]
  const options = { root: true, kind: SpanKind.INTERNAL, attributes, links }
  endQuietly(startQuietly(ambientTracer(), EVENT_GEN_AI_EVALUATION_RESULT, options, context.active()))
}

/** Emits the log record; a processor of somebody else's that throws is counted and reaches nobody. */
function emitQuietly(logger: LoggerLike, attributes: Attributes, ctx: Context): void {
  try {
    logger.emit({ eventName: EVENT_GEN_AI_EVALUATION_RESULT, severityNumber: 9, attributes, context: ctx })
  } catch (error) {
    count('internalErrors', 'a log processor threw while feedback was recorded', error)
  }
}

function feedbackAttributes(runId: string, { name, score, label, comment, userId }: Feedback): Attributes {
  const attributes: Attributes = {
    [ATTR_GEN_AI_EVALUATION_NAME]: name ?? 'user_feedback',
    [ATTR_RUNSPAN_TARGET_RUN_ID]: runId,
    [ATTR_RUNSPAN_REVIEWER_KIND]: 'human',
  }
  if (typeof score === 'number' && Number.isFinite(score)) attributes[ATTR_GEN_AI_EVALUATION_SCORE_VALUE] = score
  if (label !== undefined) attributes[ATTR_GEN_AI_EVALUATION_SCORE_LABEL] = label
  if (userId !== undefined) attributes[ATTR_RUNSPAN_REVIEWER_ID] = userId
  const text =
    comment === undefined || !recordsExplicit() ? undefined : redacted(comment, ATTR_GEN_AI_EVALUATION_EXPLANATION)
  if (text !== undefined) attributes[ATTR_GEN_AI_EVALUATION_EXPLANATION] = text
  return attributes
}

interface LoggerLike {
  emit(record: { eventName: string; severityNumber: number; attributes: Attributes; context: Context }): void
}

interface LoggerProviderLike {
  getLogger?: (name: string, version: string) => LoggerLike
}

/** The registered logger, if there is one. */
function registeredLogger(): LoggerLike | undefined {
  try {
    return registeredLoggerProvider()?.getLogger?.('runspan', VERSION)
  } catch (error) {
    count('internalErrors', 'failed to find the logger provider; feedback goes out as a span', error)
    return undefined
  }
}

/**
 * Where the logs api keeps it. With SDK 2.x that api is a package of its own, whose global is asked for a version; with
 * 3.x it is a part of the api and keeps it beside the api's other globals. Importing either would break the other line.
 */
function registeredLoggerProvider(): LoggerProviderLike | undefined {
  const globals = globalThis as Record<symbol, unknown>
  const getter = globals[Symbol.for('io.opentelemetry.js.api.logs')]
  if (typeof getter === 'function') return (getter as (version: number) => LoggerProviderLike | undefined)(1)
  const api = globals[Symbol.for('opentelemetry.js.api.1')] as { readonly logs?: LoggerProviderLike } | undefined
  return api?.logs
}
