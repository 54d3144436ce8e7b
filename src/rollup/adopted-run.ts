import type { Attributes, SpanContext, Tracer } from '@opentelemetry/api'

import { ATTR_GEN_AI_OPERATION_NAME } from '../attributes.ts'
import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { ambientTracer } from '../run/ambient-tracer.ts'
import { forget, register } from '../run/registry.ts'
import type { RunEntry } from '../run/run-entry.ts'
import type { RunTally } from '../run/run-tally.ts'
import { shared } from '../run/shared.ts'
import { guarded } from '../run/stats.ts'
import type { ReadableSpanLike } from './span-like.ts'

/** Which spans without a parent become the root of a run although nobody called `wrapAgent`. */
export type Adopt = 'agents' | false | ((span: ReadableSpanLike) => boolean)

/**
 * A run that nobody wrapped: a trace whose topmost span is a framework's own agent span. It has totals and a run id on
 * that span; `currentRun()` does not know it, and whoever made the span ends it.
 */
export class AdoptedRun implements RunEntry {
  readonly runId: string
  readonly joined = false
  readonly conversationId = undefined
  readonly userId = undefined
  readonly rootContext: SpanContext
  tally: RunTally | undefined = undefined
  activity = 0
  previous: RunEntry | undefined = undefined
  next: RunEntry | undefined = undefined
  isIndexed = false
  isListed = false

  constructor(rootContext: SpanContext) {
    this.runId = rootContext.traceId
    this.rootContext = rootContext
    register(this)
  }

  get tracer(): Tracer {
    return ambientTracer()
  }

  get abandonAfterMillis(): number {
    return shared().settings.abandonAfterMillis
  }

  /** The span is somebody else's to end; only the registry lets go of it. */
  abandon(): void {
    forget(this, false)
  }

  /** The span has ended. */
  ended(): void {
    forget(this, true)
  }
}

/**
 * The `adopt` option as a question to a span that has no parent.
 *
 * @throws {@link RunspanError} `bad_configuration` where it is none of the three
 */
export function adopter(adopt: Adopt | undefined): ((span: ReadableSpanLike) => boolean) | undefined {
  if (adopt === undefined || adopt === false) return undefined
  if (adopt === 'agents') return isAgentSpan
  if (typeof adopt === 'function') return (span) => guarded('adopt', () => adopt(span)) === true
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure adopt: ${textOf(adopt)} cannot be used. Use 'agents', false or a function of the span.`,
  )
}

function isAgentSpan(span: ReadableSpanLike): boolean {
  return mayBeAdopted(span.attributes)
}

/** Whether a span starts as what frameworks call a whole invocation: a sampler asks before the span is there. */
export function mayBeAdopted(attributes: Attributes): boolean {
  const operation = attributes[ATTR_GEN_AI_OPERATION_NAME]
  return operation === 'invoke_agent' || operation === 'invoke_workflow'
}
