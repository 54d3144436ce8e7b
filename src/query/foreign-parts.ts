import type { Attributes } from '@opentelemetry/api'

import { ATTR_RUNSPAN_ROLLUP_COMPLETE } from '../attributes.ts'
import { readSpan } from '../rollup/read-span.ts'
import type { Subtotal } from '../run/run-tally.ts'
import { durationMillisOf } from './duration.ts'
import { isSameProcess, processOf, processPartsOf, type ProcessPart } from './process-parts.ts'
import { difference, replayParts } from './replay-parts.ts'
import { isRunRoot } from './run-root.ts'
import { isSegmentRoot } from './segment.ts'
import { serviceOf } from './service-of.ts'
import { byStart } from './spans-by-trace.ts'
import type { StoredResource, StoredSpan } from './stored-span.ts'
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
  const resources = all.map(({ resource }) => resource)
  if (isOfOneProcess(resources, all)) return undefined
  const isCut = all.length > maxForeignSpans
  const spans = isCut ? all.slice(0, maxForeignSpans) : all
  const parts = processPartsOf(spans)
  const unreported = unreportedOf(parts, spans.find(isRunRoot))
  const foreign = new Set(unreported.filter((part) => part.spans.some(mayCount)))
  if (foreign.size === 0) return isCut ? { parts: [], totals: noTotals, isCut } : undefined
  const callers = callersOf(foreign)
  const alone = replayParts(parts, callers, new Set())
  const together = replayParts(parts, callers, foreign)
  const counted = [...foreign].map((part) => foreignPartOf(part.top, together.ofPart(part)))
  return {
    parts: counted.filter(({ totals }) => hasCalls(totals)).toSorted((a, b) => byStart(a.span, b.span)),
    totals: totalsOfSubtotal(difference(together.whole, alone.whole)),
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

/** The parts above others, up to the first whose numbers a rollup holds: a call may be shown on both sides. */
function callersOf(foreign: ReadonlySet<ProcessPart>): ReadonlySet<ProcessPart> {
  const callers = new Set<ProcessPart>()
  for (const { around } of foreign) {
    for (let at = around; at !== undefined && !foreign.has(at) && !callers.has(at); at = at.around) {
      callers.add(at)
      if (at.isReported) break
    }
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
