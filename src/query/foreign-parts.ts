import type { Attributes } from '@opentelemetry/api'

import { ATTR_RUNSPAN_ROLLUP_COMPLETE } from '../attributes.ts'
import { replay, type EndedPart, type EndedSpan } from '../rollup/replay.ts'
import { readSpan } from '../rollup/span-facts.ts'
import type { Subtotal } from '../run/run-tally.ts'
import { durationMillisOf } from './duration.ts'
import { isSameProcess, processOf, processPartsOf, type ProcessPart } from './process-parts.ts'
import { isRunRoot } from './run-root.ts'
import { isSegmentRoot } from './segment.ts'
import { serviceOf } from './service-of.ts'
import { byStart } from './spans-by-trace.ts'
import type { StoredResource, StoredSpan, StoredSpanKind } from './stored-span.ts'
import { noTotals, totalsOfSubtotal, type Totals } from './totals.ts'

/**
 * Work in a run's trace that no rollup holds: of a service without Runspan, which saw nothing but `traceparent`. Readers
 * count it themselves, from its spans.
 */
export interface ForeignPart {
  /** The span by which the run came there: that of a server, usually. */
  readonly span: StoredSpan
  /** Who did the work, where the span's resource says so. */
  readonly service: string | undefined
  /** What its spans come to, each model call once. */
  readonly totals: Totals
  readonly durationMillis: number
}

/** How many spans of a run are looked through for such work, the first ones. */
export const maxForeignSpans = 100_000

/** What readers have counted of a run because nobody else had. */
export interface ForeignWork {
  /** In the order in which they started; those that called a model or a tool. */
  readonly parts: readonly ForeignPart[]
  /**
   * What they add to the run: less than the sum over them where a caller's rollup holds the same calls already, as it
   * does where a gateway and its client both show them.
   */
  readonly totals: Totals
  /** The run has more spans than were looked through. */
  readonly isCut: boolean
}

/**
 * Counts what no rollup of a run holds, by the rules of the rollup, as if its spans had been counted with their callers'.
 *
 * @param all all spans of a run's trace, each once, in the order in which they started
 * @returns `undefined` where there is nothing
 */
export function foreignWorkOf(all: readonly StoredSpan[]): ForeignWork | undefined {
  if (
    isOfOneProcess(
      all.map(({ resource }) => resource),
      all,
    )
  )
    return undefined
  const isCut = all.length > maxForeignSpans
  const spans = isCut ? all.slice(0, maxForeignSpans) : all
  const parts = processPartsOf(spans)
  const unreported = unreportedOf(parts, spans.find(isRunRoot))
  const foreign = new Set(unreported.filter((part) => part.spans.some(mayCount)))
  if (foreign.size === 0) return isCut ? { parts: [], totals: noTotals, isCut } : undefined
  const callers = new Set([...foreign].flatMap(callersOf).filter((part) => !foreign.has(part)))
  const alone = replayParts(parts, callers, new Set())
  const together = replayParts(parts, callers, foreign)
  const counted = [...foreign].map((part) => foreignPartOf(part.top, together.ofPart(part)))
  return {
    parts: counted.filter(({ totals }) => hasCalls(totals)).toSorted((a, b) => byStart(a.span, b.span)),
    totals: totalsOfSubtotal(minus(together.whole, alone.whole)),
    isCut,
  }
}

/**
 * Whether a trace is the work of one service that reports its numbers, as most runs are: then nothing is left to count.
 *
 * @param resources those of all of its spans
 * @param outline its roots among them
 */
export function isOfOneProcess(resources: readonly StoredResource[], outline: readonly StoredSpan[]): boolean {
  const first = resources[0]
  if (first === undefined) return true
  return resources.every((other) => isSameProcess(first, other)) && outline.some(hasRollup)
}

/** The parts that no rollup holds, as far as that can be known. */
function unreportedOf(parts: readonly ProcessPart[], root: StoredSpan | undefined): readonly ProcessPart[] {
  const reporting = new Set<string>()
  for (const { spans } of parts) for (const span of spans) if (hasRollup(span)) reporting.add(processOf(span))
  const orphans = parts.filter(({ top, around }) => around === undefined && top !== root)
  // While the root has not come, nobody knows which process is the run's own: one whose first span is not there, maybe.
  const own = root === undefined ? orphans : parts.filter(({ top }) => top === root && hasRollup(root))
  const ownProcesses = new Set(own.flatMap(({ spans }) => spans.map(processOf)))
  return parts.filter(({ top, around, isReported, isRefused }) => {
    if (isReported || isRefused) return false
    if (top === root || isSegmentRoot(top)) return true
    // What comes back to the run's own process is counted there.
    if (around !== undefined) return !ownProcesses.has(processOf(top))
    return root !== undefined && top.parentSpanId !== undefined && !reporting.has(processOf(top))
  })
}

function hasRollup({ attributes }: StoredSpan): boolean {
  return ATTR_RUNSPAN_ROLLUP_COMPLETE in attributes
}

/** Whether the rollup may count something of a span. */
function mayCount({ name, attributes, scope }: StoredSpan): boolean {
  const { role, hasUsage } = readSpan(name, attributes as Attributes, scope.name)
  return role === 'leaf' || role === 'tool' || hasUsage
}

function hasCalls({ llmCalls, toolCalls, inputTokens, outputTokens }: Totals): boolean {
  return llmCalls !== 0 || toolCalls !== 0 || inputTokens !== 0 || outputTokens !== 0
}

/** The parts above one, up to the first whose numbers a rollup holds: a call may be shown on both sides. */
function callersOf(part: ProcessPart): readonly ProcessPart[] {
  const callers: ProcessPart[] = []
  for (let at = part.around; at !== undefined; at = at.around) {
    callers.push(at)
    if (at.isReported) break
  }
  return callers
}

function foreignPartOf(span: StoredSpan, sums: Subtotal): ForeignPart {
  return {
    span,
    service: serviceOf(span),
    totals: totalsOfSubtotal(sums),
    durationMillis: durationMillisOf(span),
  }
}

interface Replayed {
  ofPart(part: ProcessPart): Subtotal
  readonly whole: Subtotal
}

/** Foreign parts stand side by side, each below the caller whose rollup may hold the same calls. */
function replayParts(
  parts: readonly ProcessPart[],
  callers: ReadonlySet<ProcessPart>,
  foreign: ReadonlySet<ProcessPart>,
): Replayed {
  const endedParts = new Map<ProcessPart, EndedPart>()
  const endedSpans = new Map<string, EndedSpan>()
  for (const part of parts) {
    if (!callers.has(part) && !foreign.has(part)) continue
    const endedPart: EndedPart = { around: part.isReported ? undefined : aroundOf(part, endedParts, callers) }
    endedParts.set(part, endedPart)
    for (const span of part.spans) {
      const parent = span === part.top && part.isReported ? undefined : endedSpans.get(span.parentSpanId ?? '')
      endedSpans.set(span.spanId, endedSpanOf(span, parent, endedPart))
    }
  }
  const sums = replay([...endedSpans.values()])
  const outermost = [...sums].flatMap(([part, subtotal]) => (part.around === undefined ? [subtotal] : []))
  return {
    ofPart: (part) => sums.get(endedParts.get(part)!)!,
    whole: outermost.reduce(plus, nothing),
  }
}

function aroundOf(
  part: ProcessPart,
  endedParts: ReadonlyMap<ProcessPart, EndedPart>,
  callers: ReadonlySet<ProcessPart>,
): EndedPart | undefined {
  let at = part.around
  while (at !== undefined && !callers.has(at)) at = at.around
  return at && endedParts.get(at)
}

/** `SpanKind` of the API. */
const kindNumbers: Readonly<Record<StoredSpanKind, number>> = {
  unspecified: 0,
  internal: 0,
  server: 1,
  client: 2,
  producer: 3,
  consumer: 4,
}

function endedSpanOf(span: StoredSpan, parent: EndedSpan | undefined, part: EndedPart): EndedSpan {
  const { name, kind, attributes, status, scope, startUnixNano, endUnixNano } = span
  return {
    name,
    kind: kindNumbers[kind],
    attributes: attributes as Attributes,
    hasFailed: status.code === 'error',
    scopeName: scope.name,
    startUnixNano,
    endUnixNano,
    parent,
    part,
    isRunRoot: isRunRoot(span),
  }
}

const nothing: Subtotal = Object.freeze({
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  nanoUsd: 0,
  reported: 0,
  priced: 0,
  unpriced: 0,
  llmCalls: 0,
  toolCalls: 0,
  errors: 0,
  spans: 0,
})
const counters = Object.keys(nothing) as readonly (keyof Subtotal)[]

function plus(a: Subtotal, b: Subtotal): Subtotal {
  return Object.fromEntries(counters.map((name) => [name, a[name] + b[name]])) as unknown as Subtotal
}

function minus(a: Subtotal, b: Subtotal): Subtotal {
  return Object.fromEntries(counters.map((name) => [name, a[name] - b[name]])) as unknown as Subtotal
}
