import { INVALID_SPAN_CONTEXT } from '@opentelemetry/api'

import { ATTR_RUNSPAN_ADOPTED, ATTR_RUNSPAN_ROLLUP_AGENT_SPAN_IDS, ATTR_RUNSPAN_RUN_ID } from '../attributes.ts'
import { clearState, setState } from '../run/span-state.ts'
import { AdoptedRun, type Adopter } from './adopted-run.ts'
import { isCallElsewhere, isRequest } from './agent-marks.ts'
import { statusError, type ReadableSpanLike } from './span-like.ts'
import { openNode, type SpanNode } from './span-node.ts'
import { PartTally, type PartFeeder } from './tally.ts'

/**
 * Finds the agents in traces that nobody made a run.
 *
 * Marks come late: most producers set them right after the start, some only at the end. So a span outside of runs is
 * asked when its first child starts, and again when it ends; and each that has children keeps sums of its own until
 * then, in case it turns out to be an agent.
 *
 * - A span without a parent becomes the root of a run.
 * - The topmost agent below anything else, a server's span for example, has its totals with scope `agent`.
 *
 * All of it hangs on the spans themselves: it is gone with them, and traces without agents leave nothing behind.
 */
export class Adoption {
  readonly #adopts: Adopter
  readonly #feeder: PartFeeder
  readonly #isByMarks: boolean
  /** What every span outside of runs is in until it has sums of its own: what is added to it says nothing. */
  readonly #nowhere: PartTally

  /** @param isByMarks whether it asks for the marks of frameworks, which servers and consumers do not have */
  constructor(adopts: Adopter, feeder: PartFeeder, isByMarks: boolean) {
    this.#adopts = adopts
    this.#feeder = feeder
    this.#isByMarks = isByMarks
    this.#nowhere = new PartTally(new AdoptedRun(INVALID_SPAN_CONTEXT, true), undefined, feeder, 'agent')
    this.#nowhere.isProvisional = true
  }

  /** The node of the first span of a trace in this process. */
  begin(span: ReadableSpanLike): SpanNode {
    return openNode(span, this.#nowhere, this.#nowhere, undefined, false)
  }

  /** Called before a child of a span starts whose part is provisional. */
  beforeChild(node: SpanNode): void {
    if (this.#isByMarks && isRequest(node.span)) return
    if (node.part.root !== node) this.#separate(node)
    const { entry } = node.part
    if (!(entry instanceof AdoptedRun) || entry.isAsked) return
    entry.isAsked = true
    if (!isCallElsewhere(node.span) && this.#adopts(node.span)) adopt(node)
  }

  /** Called when a span ends whose part is provisional. */
  atEnd(node: SpanNode): void {
    if (this.#isByMarks && isRequest(node.span)) return
    const isSeparate = node.part.root === node
    // An agent that is called elsewhere shows no calls of models here.
    if (isCallElsewhere(node.span) && !(isSeparate && node.part.sums.llmCalls > 0)) return
    if (!this.#adopts(node.span)) return
    if (!isSeparate) this.#separate(node)
    adopt(node)
  }

  /** Gives a span a part of its own, within the one around it. */
  #separate(node: SpanNode): void {
    const part = this.#provisional(node.span, node.part === this.#nowhere ? undefined : node.part)
    part.root = node
    node.part = part
    node.tally = part
  }

  #provisional(span: ReadableSpanLike, around: PartTally | undefined): PartTally {
    const scope = span.parentSpanContext === undefined ? 'run' : 'agent'
    const entry = new AdoptedRun(span.spanContext(), scope === 'agent')
    const part = new PartTally(entry, around, this.#feeder, scope)
    part.isProvisional = true
    entry.tally = part
    return part
  }
}

/**
 * Called when a span outside of runs has ended, and is no agent's. Where nothing was counted on it, it keeps nothing while
 * it waits to be exported. What starts below it later counts above it, if it had children before.
 */
export function leaveBehind(node: SpanNode): void {
  const { parent, span } = node
  if (node.counted || node.isBoundary || node.isLeafWithUsage || span.status.code === statusError) return
  if (node.handle !== undefined) return
  if (node.below === undefined) clearState(span)
  else if (parent !== undefined && parent.handle === undefined) setState(span, parent)
}

/** How many agents below one that is found later are named at most. */
const mostNamed = 128

function adopt(node: SpanNode): void {
  const { part, span } = node
  const { agentsBelow } = part.entry as AdoptedRun
  part.isProvisional = false
  if (agentsBelow !== undefined) span.attributes[ATTR_RUNSPAN_ROLLUP_AGENT_SPAN_IDS] = agentsBelow
  for (let at = part.parent; at !== undefined && at.isProvisional; at = at.parent) {
    // Whoever is found to be an agent further up holds these numbers, too.
    const ids = (((at as PartTally).entry as AdoptedRun).agentsBelow ??= [])
    if (ids.length < mostNamed) ids.push(span.spanContext().spanId)
  }
  span.attributes[ATTR_RUNSPAN_ADOPTED] = true
  if (part.scope !== 'run') return
  // As the root of any run. Below others a chain or workflow is what its marks say: no boundary of calls.
  node.isAgent = true
  node.isBoundary = true
  span.attributes[ATTR_RUNSPAN_RUN_ID] = part.entry.runId
  if (part.entry instanceof AdoptedRun) part.entry.begun()
}
