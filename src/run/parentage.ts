import type { Link, SpanContext } from '@opentelemetry/api'

import { textOf } from '../internal/text-of.ts'
import { parseTraceparent } from '../propagation/traceparent.ts'
import { runIdOfTarget, spanContextOfTarget, typedLink } from './link-target.ts'
import { normaliseRunId, rootSpanContextOf } from './run-id.ts'
import type { RunPart } from './run-part.ts'
import { shared } from './shared.ts'
import { count } from './stats.ts'
import type { LinkType, RunOptions, RunRef, RunTarget } from './types.ts'

/** Who started a run. */
export interface Parentage {
  /** The parent's run id, or the text that stood in its place. */
  readonly parentRunId: string | undefined
  readonly rootRunId: string | undefined
  /** To the parent's root, or to the span that spawned the run. */
  readonly link: Link | undefined
  /** Whether the parent was named by `parentRunId`, so that {@link link} is the best that can be known of it. */
  readonly isNamed: boolean
}

const none: Parentage = { parentRunId: undefined, rootRunId: undefined, link: undefined, isNamed: false }

/** Who started the run: as named, as spawned, else the enclosing run. */
export function parentageOf<I>(options: RunOptions<I>, enclosing: RunPart | undefined): Parentage {
  const { parentRunId, from } = options
  if (parentRunId === null) return none
  if (parentRunId !== undefined) return parentageOfNamed(parentRunId, enclosing)
  if (from !== undefined) return parentageOfSpawned(from)
  if (enclosing === undefined) return none
  return { parentRunId: enclosing.runId, rootRunId: enclosing.rootRunId, link: undefined, isNamed: false }
}

/** What the link to the active span, or to the caller, says: `parent` where that is in the parent's own run. */
export function originTypeOf(
  parentage: Parentage,
  enclosing: RunPart | undefined,
  origin: SpanContext | undefined,
): LinkType {
  const { parentRunId } = parentage
  if (parentRunId === undefined) return 'trigger'
  return parentRunId === enclosing?.runId || parentRunId === origin?.traceId ? 'parent' : 'trigger'
}

function parentageOfNamed(parent: RunTarget, enclosing: RunPart | undefined): Parentage {
  const id = runIdOfTarget(parent)
  if (id === undefined) {
    count('invalidRunIds', `parentRunId ${textOf(parent)} is no run id; it is kept as an attribute and not linked.`)
    return { ...none, parentRunId: textOf(parent) }
  }
  const known = id === enclosing?.runId ? enclosing.rootRunId : rootRunIdOfOpen(id)
  const rootRunId = (typeof parent === 'string' ? undefined : normaliseRunId(parent.rootRunId)) ?? known
  const target = spanContextOfTarget(parent)
  return {
    parentRunId: id,
    rootRunId,
    link: target === undefined ? undefined : typedLink('parent', target),
    isNamed: true,
  }
}

/** A spawned child links to the span that spawned it. Refs come out of queues: nothing is taken for granted of them. */
function parentageOfSpawned(from: Partial<RunRef> | null): Parentage {
  const id = normaliseRunId(from?.parentRunId)
  const traceparent = from?.dispatchTraceparent
  const dispatch = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined
  const target =
    dispatch === undefined ? (id === undefined ? undefined : rootSpanContextOf(id)) : { ...dispatch, isRemote: true }
  return {
    parentRunId: id,
    rootRunId: normaliseRunId(from?.rootRunId),
    link: target === undefined ? undefined : typedLink('spawn', target),
    isNamed: false,
  }
}

/** The root of a parent that is open in this process. */
function rootRunIdOfOpen(runId: string): string | undefined {
  const entry = shared().open.get(runId) as Partial<RunPart> | undefined
  return entry?.rootRunId
}
