import { ATTR_RUNSPAN_JOIN_REFUSED, ATTR_RUNSPAN_ROLLUP_COMPLETE, SPAN_RUNSPAN_AMENDMENT } from '../attributes.ts'
import { isAdopted } from './agent-part.ts'
import { isSetAt, textAt } from './attribute-values.ts'
import { isRunRoot } from './run-root.ts'
import { isSegmentRoot } from './segment.ts'
import type { StoredResource, StoredSpan } from './stored-span.ts'

/**
 * Spans of a trace that one process wrote, each below another, and what is above them: the work of one run, segment or
 * agent, or that of a request which nobody joined.
 */
export interface ProcessPart {
  /** The first of them. */
  readonly top: StoredSpan
  /** Parents before their children. */
  readonly spans: StoredSpan[]
  /** The part that the top's parent is in; `undefined` where that has not come. */
  readonly around: ProcessPart | undefined
  /** Whether a rollup on its top holds its numbers. */
  readonly isReported: boolean
  /** Whether a service said that this, or what is around it, is not to be a part of the run. */
  readonly isRefused: boolean
}

/**
 * Takes a trace apart into what each process did of it. Spans that go round in a circle are in none.
 *
 * @param spans each once, in the order in which they started
 */
export function processPartsOf(spans: readonly StoredSpan[]): readonly ProcessPart[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const below = new Map<string | undefined, StoredSpan[]>()
  for (const span of spans) {
    if (span.name === SPAN_RUNSPAN_AMENDMENT) continue
    const parentId = byId.has(span.parentSpanId ?? '') ? span.parentSpanId : undefined
    const siblings = below.get(parentId)
    if (siblings === undefined) below.set(parentId, [span])
    else siblings.push(span)
  }
  const parts: ProcessPart[] = []
  const partOf = new Map<string, ProcessPart>()
  const open = (below.get(undefined) ?? []).toReversed()
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    const parent = byId.get(span.parentSpanId ?? '')
    const around = parent && partOf.get(parent.spanId)
    let part = around
    if (part === undefined || isTop(span, parent!)) {
      const isRefused = around?.isRefused === true || isSetAt(span.attributes, ATTR_RUNSPAN_JOIN_REFUSED)
      part = { top: span, spans: [], around, isReported: isReported(span), isRefused }
      parts.push(part)
    }
    part.spans.push(span)
    partOf.set(span.spanId, part)
    for (const child of (below.get(span.spanId) ?? []).toReversed()) open.push(child)
  }
  return parts
}

function isTop(span: StoredSpan, parent: StoredSpan): boolean {
  return isReported(span) || isSegmentRoot(span) || comesFromElsewhere(span, parent)
}

function isReported(span: StoredSpan): boolean {
  return ATTR_RUNSPAN_ROLLUP_COMPLETE in span.attributes && (isRunRoot(span) || isSegmentRoot(span) || isAdopted(span))
}

/** OTLP's bits that say whether the parent is remote: that it is known, and that it is. */
const knowsRemote = 0x100
const isRemote = 0x200

/**
 * Whether a span's parent was in another process. Two that name the same service are taken for one. Where a store has
 * dropped what the exporter knew, a request's span has its caller elsewhere; so has any other below another service, but
 * for children of a run's root: the process that ended a run may be another than the one that had begun it.
 */
function comesFromElsewhere(span: StoredSpan, parent: StoredSpan): boolean {
  if (processOf(span) === processOf(parent)) return false
  if ((span.flags & knowsRemote) !== 0) return (span.flags & isRemote) !== 0
  return span.kind === 'server' || span.kind === 'consumer' || !isRunRoot(parent)
}

const names = new WeakMap<StoredResource, string>()

/** Which service a span is of, and which instance where that is said (OpenTelemetry's resource conventions, "Service"). */
export function processOf({ resource }: StoredSpan): string {
  return nameOf(resource)
}

/** Whether two resources are of one service and one instance of it. */
export function isSameProcess(a: StoredResource, b: StoredResource): boolean {
  return a === b || nameOf(a) === nameOf(b)
}

function nameOf(resource: StoredResource): string {
  let name = names.get(resource)
  if (name === undefined) {
    const at = (key: string): string => textAt(resource.attributes, key) ?? ''
    name = `${at('service.namespace')}/${at('service.name')}/${at('service.instance.id')}`
    // Spans of one request share the object.
    names.set(resource, name)
  }
  return name
}
