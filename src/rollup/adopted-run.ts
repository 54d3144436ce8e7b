import type { Attributes, SpanContext, Tracer } from '@opentelemetry/api'

import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { ambientTracer } from '../run/ambient-tracer.ts'
import { forget, register } from '../run/registry.ts'
import type { RunEntry } from '../run/run-entry.ts'
import type { RunTally } from '../run/run-tally.ts'
import { shared } from '../run/shared.ts'
import { guarded } from '../run/stats.ts'
import { hasAgentMark, isAgentSpan } from './agent-marks.ts'
import type { ReadableSpanLike } from './span-like.ts'

/** Which spans that no run is around have totals of their own although nobody called `wrapAgent`. */
export type Adopt = 'agents' | false | ((span: ReadableSpanLike) => boolean)

/** The same as a question to a span. */
export type Adopter = (span: ReadableSpanLike) => boolean

/**
 * A run that nobody wrapped: a trace whose topmost span is a framework's own agent span. It has totals and a run id on
 * that span; `currentRun()` does not know it, and whoever made the span ends it. An agent below a span that is none is
 * a part of its trace, as joined work is, and has no run id.
 */
export class AdoptedRun implements RunEntry {
  readonly runId: string
  readonly joined: boolean
  readonly conversationId = undefined
  readonly userId = undefined
  readonly rootContext: SpanContext
  /** Whether the span was asked before it had children. */
  isAsked = false
  /** Ids of the spans of agents below that were found before this one. */
  agentsBelow: string[] | undefined = undefined
  tally: RunTally | undefined = undefined
  activity = 0
  previous: RunEntry | undefined = undefined
  next: RunEntry | undefined = undefined
  isIndexed = false
  isListed = false

  constructor(rootContext: SpanContext, joined: boolean) {
    this.runId = rootContext.traceId
    this.joined = joined
    this.rootContext = rootContext
  }

  /** The span has turned out to be a run's root. */
  begun(): void {
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
 * The `adopt` option as a question to a span.
 *
 * @throws {@link RunspanError} `bad_configuration` where it is none of the three
 */
export function adopter(adopt: Adopt | undefined): Adopter | undefined {
  if (adopt === undefined || adopt === false) return undefined
  if (adopt === 'agents') return isAgentSpan
  if (typeof adopt === 'function') return (span) => guarded('adopt', () => adopt(span)) === true
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure adopt: ${textOf(adopt)} cannot be used. Use 'agents', false or a function of the span.`,
  )
}

/** Whether a span starts as what frameworks call a whole invocation: a sampler asks before the span is there. */
export function mayBeAdopted(attributes: Attributes): boolean {
  return hasAgentMark(attributes)
}
