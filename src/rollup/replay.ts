import { INVALID_SPAN_CONTEXT, type Attributes, type SpanContext } from '@opentelemetry/api'

import type { Subtotal } from '../run/run-tally.ts'
import { AdoptedRun } from './adopted-run.ts'
import { isAgentInside } from './agent-marks.ts'
import { PriceBook } from './prices.ts'
import { settleSpan, type Pricer } from './settle-span.ts'
import { statusError, type ReadableSpanLike } from './span-like.ts'
import { openNode, type SpanNode } from './span-node.ts'
import { AgentTally, PartTally, raise, type PartFeeder, type Tally } from './tally.ts'

/** What sums are kept of: spans that one process wrote. */
export interface EndedPart {
  /** The part that holds these numbers too. */
  readonly around: EndedPart | undefined
}

/** A span that ended long ago, in whatever process. */
export interface EndedSpan {
  readonly name: string
  /** `SpanKind` of the API, as a number. */
  readonly kind: number
  readonly attributes: Attributes
  readonly hasFailed: boolean
  readonly scopeName: string
  /** Nanoseconds since the epoch. */
  readonly startUnixNano: bigint
  /** Nanoseconds since the epoch. */
  readonly endUnixNano: bigint
  readonly parent: EndedSpan | undefined
  readonly part: EndedPart
  /** Whether it is the root of a run, which is an agent whatever it carries. */
  readonly isRunRoot: boolean
}

/**
 * Sums up spans that ended long ago, as the processor would have when they did: each starts and ends again, in the order
 * of their times. Calls without a cost have list prices. The spans stay as they are, and nothing remembers them.
 *
 * @param spans parents before their children
 * @returns the sums of each part, with those of the parts that it is around
 */
export function replay(spans: readonly EndedSpan[]): ReadonlyMap<EndedPart, Subtotal> {
  const tallies = new Map<EndedPart, Tally>()
  const whole = new PartTally(new AdoptedRun(INVALID_SPAN_CONTEXT, true), undefined, nobody, 'agent')
  const nodes = new Map<EndedSpan, SpanNode>()
  for (const { span, isStart } of inOrder(spans)) {
    if (isStart) nodes.set(span, nodeOf(span, nodes, whole, tallyOf(span.part, tallies)))
    else {
      const node = nodes.get(span)!
      raise(node.tally, 'spans', 1)
      settleSpan(node, listPrice)
    }
  }
  return new Map([...tallies].map(([part, { sums }]) => [part, sums.subtotal()]))
}

function tallyOf(part: EndedPart, tallies: Map<EndedPart, Tally>): Tally {
  let tally: Tally | undefined = tallies.get(part)
  if (tally === undefined) {
    tally = new AgentTally('segment', part.around && tallyOf(part.around, tallies))
    tallies.set(part, tally)
  }
  return tally
}

function nodeOf(span: EndedSpan, nodes: ReadonlyMap<EndedSpan, SpanNode>, whole: PartTally, around: Tally): SpanNode {
  const { parent, isRunRoot } = span
  const isAgent = isRunRoot || isAgentInside(span)
  const tally = isAgent ? new AgentTally('agent', around) : around
  return openNode(new RepeatedSpan(span), whole, tally, parent && nodes.get(parent), isAgent)
}

/** One half of a span, and when it takes place. */
interface Moment {
  readonly span: EndedSpan
  readonly isStart: boolean
  /** Nanoseconds after the first start. */
  readonly nanos: number
  /** What goes first at one time: ends of what began before, then starts, then ends of what took no time. */
  readonly turn: 0 | 1 | 2
  readonly depth: number
}

/** Clocks of two processes differ: nothing starts before its parent, and nothing ends before it starts. */
function inOrder(spans: readonly EndedSpan[]): readonly Moment[] {
  const moments: Moment[] = []
  const starts = new Map<EndedSpan, Moment>()
  const origin = spans[0]?.startUnixNano ?? 0n
  for (const span of spans) {
    const above = span.parent && starts.get(span.parent)
    const from = Math.max(Number(span.startUnixNano - origin), above?.nanos ?? Number.NEGATIVE_INFINITY)
    const to = Math.max(Number(span.endUnixNano - origin), from)
    const depth = above === undefined ? 0 : above.depth + 1
    const start: Moment = { span, isStart: true, nanos: from, turn: 1, depth }
    starts.set(span, start)
    moments.push(start, { span, isStart: false, nanos: to, turn: to === from ? 2 : 0, depth })
  }
  return moments.toSorted(
    (a, b) => a.nanos - b.nanos || a.turn - b.turn || (a.isStart ? a.depth - b.depth : b.depth - a.depth),
  )
}

/** A span as the rules of the rollup read one. They note what a call cost on it: that stays here. */
class RepeatedSpan implements ReadableSpanLike {
  readonly name: string
  readonly kind: number
  readonly attributes: Attributes
  readonly status: { readonly code: number }
  readonly startTime: readonly [number, number]
  readonly instrumentationScope: { readonly name: string }

  constructor({ name, kind, attributes, hasFailed, scopeName, startUnixNano }: EndedSpan) {
    this.name = name
    this.kind = kind
    this.attributes = { ...attributes }
    this.status = { code: hasFailed ? statusError : 0 }
    this.startTime = [Number(startUnixNano / 1_000_000_000n), Number(startUnixNano % 1_000_000_000n)]
    this.instrumentationScope = { name: scopeName }
  }

  spanContext(): SpanContext {
    return INVALID_SPAN_CONTEXT
  }
}

/** Nobody hears of the sums while they are made. */
const nobody: PartFeeder = {
  settleRoot: () => undefined,
  handedOff: () => undefined,
  priceTable: undefined,
  costBreakdown: undefined,
  tellsModels: false,
  detail: new Set(),
}

let listPrices: PriceBook | undefined
const listPrice: Pricer = (call) => (listPrices ??= new PriceBook()).price(call)
