import type { RandomTree, TreeSpan, TreeUsage } from './random-tree.ts'

/** What the rules make of a finished tree. */
export interface NaiveTotals {
  input: number
  output: number
  cacheRead: number
  nanoUsd: number
  llmCalls: number
  unpriced: number
  toolCalls: number
  errors: number
  spans: number
  suppressed: number
}

/** Billionths of a dollar that a call costs, by the same made-up prices as the processor under test has. */
export function naiveCost({ input, output, cacheRead }: Omit<TreeUsage, 'cost'>): number {
  return input * 3000 + output * 5000 - cacheRead * 2000
}

/** The costs of what reports its own: they are a little more than any price. */
export function reportedCost(usage: Omit<TreeUsage, 'cost'>): number {
  return naiveCost(usage) + 1_000_000
}

/**
 * The totals of a tree of spans, straight from the rules and from nothing else: it looks at the finished tree, knows no
 * order of ends, and asks every question anew.
 *
 * @param top the span to add up below: -1 for the run
 */
export function naiveTotals(tree: RandomTree, top = -1): NaiveTotals {
  const root: TreeSpan = { parent: -2, role: 'agent', marks: {}, usage: undefined, failed: tree.rootFailed }
  const at = (index: number): TreeSpan => (index === -1 ? root : tree.spans[index]!)
  const childrenOf = (index: number): readonly number[] =>
    tree.spans.flatMap(({ parent }, child) => (parent === index ? [child] : []))
  const below = (index: number): readonly number[] => childrenOf(index).flatMap((child) => [child, ...below(child)])
  const isBoundary = (index: number): boolean => ['agent', 'remote-agent', 'tool'].includes(at(index).role)

  /** Another span stands for the same call: a model call with usage above, with no tool or agent in between. */
  const isClaimed = (index: number): boolean => {
    for (let above = index; above !== -1 && !isBoundary(above); above = at(above).parent) {
      const { role, usage } = at(at(above).parent)
      if (role === 'leaf' && usage !== undefined) return true
    }
    return false
  }
  /** Descendants of a span with no tool or agent in between, nor being one. */
  const near = (index: number): readonly number[] =>
    childrenOf(index).flatMap((child) => (isBoundary(child) ? [] : [child, ...near(child)]))

  const countsItsUsage = (index: number): boolean => {
    const { role, usage } = at(index)
    const said = index === -1 ? tree.rootUsage : usage
    if (said === undefined || role === 'never' || isClaimed(index)) return false
    return role === 'leaf' || !below(index).some(countsItsUsage)
  }
  const isSilentCall = (index: number): boolean => {
    const { role, usage } = at(index)
    if (role !== 'leaf' || usage !== undefined || isClaimed(index)) return false
    return !near(index).some(
      (other) => isSilentCall(other) || (at(other).usage !== undefined && at(other).role !== 'never'),
    )
  }
  const isToolCall = (index: number): boolean => {
    const { role, marks, parent } = at(index)
    if (role !== 'tool') return false
    for (let above = parent; above !== -1; above = at(above).parent) {
      const other = at(above)
      if (other.role === 'tool') return other.marks['gen_ai.tool.name'] !== marks['gen_ai.tool.name']
      if (['agent', 'remote-agent', 'leaf'].includes(other.role)) return true
    }
    return true
  }

  /** What each of the calls below says itself, up to a tool or agent. */
  const toldBelow = (index: number): readonly NaiveCall[] =>
    childrenOf(index)
      .filter((child) => !isBoundary(child))
      .flatMap((child) => {
        const { role, usage } = at(child)
        return role === 'leaf' && usage !== undefined ? [callSaid(usage), ...toldBelow(child)] : toldBelow(child)
      })
  const callOf = (index: number): NaiveCall => withWhatIsBelow(callSaid(at(index).usage!), toldBelow(index))

  const totals: NaiveTotals = {
    input: 0,
    output: 0,
    cacheRead: 0,
    nanoUsd: 0,
    llmCalls: 0,
    unpriced: 0,
    toolCalls: 0,
    errors: 0,
    spans: 0,
    suppressed: 0,
  }
  for (const index of [top, ...below(top)]) {
    const span = at(index)
    totals.spans++
    if (isToolCall(index)) totals.toolCalls++
    if (span.failed && !childrenOf(index).some((child) => at(child).failed)) totals.errors++
    if (isSilentCall(index)) {
      totals.llmCalls++
      if (!span.failed) totals.unpriced++
    }
    const said = index === -1 ? tree.rootUsage : span.usage
    if (said === undefined) continue
    if (!countsItsUsage(index)) {
      totals.suppressed++
      continue
    }
    // A container that speaks for calls which say nothing of themselves is no further call, and its cost is theirs.
    const silentCalls = span.role === 'leaf' ? [] : below(index).filter(isSilentCall)
    const stands = span.role === 'leaf' ? callOf(index) : callSaid(said)
    addUsage(totals, stands, silentCalls.length > 0)
    if (stands.nanoUsd !== undefined) totals.unpriced -= silentCalls.filter((call) => !at(call).failed).length
  }
  return totals
}

/** What one call comes to. */
interface NaiveCall {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly nanoUsd: number | undefined
  readonly isReported: boolean
  readonly isPriced: boolean
  readonly model: string | undefined
}

function callSaid(usage: TreeUsage): NaiveCall {
  const { input, output, cacheRead, cost } = usage
  const isReported = cost === 'reported'
  const nanoUsd = isReported ? reportedCost(usage) : cost === 'priced' ? naiveCost(usage) : undefined
  return { input, output, cacheRead, nanoUsd, isReported, isPriced: cost === 'priced', model: modelOf(usage) }
}

/** The model that a span of a tree names. */
export function modelOf({ cost }: TreeUsage): string | undefined {
  if (cost === 'unnamed') return undefined
  return cost === 'unpriced' ? 'other-model' : 'known-model'
}

/** How much a span tells of a call: what it tells apart, then how its cost is known, then the higher one. */
function riches({ cacheRead, nanoUsd = 0, isReported, isPriced }: NaiveCall): readonly number[] {
  return [cacheRead, isReported ? 2 : isPriced ? 1 : 0, nanoUsd]
}

function richest(calls: readonly NaiveCall[]): NaiveCall | undefined {
  return calls.toSorted((a, b) => {
    const [ofA, ofB] = [riches(a), riches(b)]
    const at = ofA.findIndex((value, place) => value !== ofB[place])
    return at === -1 ? 0 : ofB[at]! - ofA[at]!
  })[0]
}

/** What a span says of its call, and what one below it knows better. */
function withWhatIsBelow(own: NaiveCall, calls: readonly NaiveCall[]): NaiveCall {
  const isSameModel = ({ model }: NaiveCall): boolean =>
    own.model === undefined || model === undefined || own.model === model
  const below = richest(
    calls.filter((call) => call.input === own.input && call.output === own.output && isSameModel(call)),
  )
  if (below === undefined) return own
  const [richer, poorer] = below.cacheRead > own.cacheRead ? [below, own] : [own, below]
  const isTold = richer.cacheRead > poorer.cacheRead && richer.model !== undefined
  const reported = [richer, poorer].find(({ isReported }) => isReported)
  const { nanoUsd, isReported } =
    reported ?? (isTold || richer.nanoUsd !== undefined ? richer : poorer.nanoUsd === undefined ? richer : poorer)
  return { ...own, cacheRead: richer.cacheRead, nanoUsd, isReported, isPriced: nanoUsd !== undefined && !isReported }
}

function addUsage(totals: NaiveTotals, call: NaiveCall, speaksForCalls: boolean): void {
  totals.input += call.input
  totals.output += call.output
  totals.cacheRead += call.cacheRead
  if (!speaksForCalls) totals.llmCalls++
  if (call.nanoUsd !== undefined) totals.nanoUsd += call.nanoUsd
  else if (!speaksForCalls) totals.unpriced++
}
