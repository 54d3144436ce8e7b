import type { Attributes } from '@opentelemetry/api'
import fc from 'fast-check'

/** What a span of a random tree is. */
export type TreeRole = 'leaf' | 'agent' | 'remote-agent' | 'container' | 'tool' | 'never' | 'unknown'

/** What a span of a random tree says of its usage. */
export interface TreeUsage {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  /** `unnamed`: nobody knows the price, because nobody knows the model. */
  readonly cost: 'reported' | 'priced' | 'unpriced' | 'unnamed'
}

/** One span of a random tree. `parent` is an index of an earlier one; -1 stands for the run's root. */
export interface TreeSpan {
  readonly parent: number
  readonly role: TreeRole
  readonly marks: Attributes
  readonly usage: TreeUsage | undefined
  readonly failed: boolean
}

/** A tree, and the order in which its spans start and end; index -1 is the root. */
export interface RandomTree {
  readonly spans: readonly TreeSpan[]
  readonly steps: readonly { readonly kind: 'start' | 'end'; readonly index: number }[]
  readonly rootFailed: boolean
  readonly rootUsage: TreeUsage | undefined
}

const marksOf: Readonly<Record<TreeRole, readonly Attributes[]>> = {
  leaf: [
    { 'gen_ai.operation.name': 'chat' },
    { 'gen_ai.operation.name': 'embeddings' },
    { 'ai.operationId': 'ai.streamText.doStream' },
    { 'openinference.span.kind': 'LLM' },
  ],
  agent: [{ 'gen_ai.operation.name': 'invoke_agent' }],
  'remote-agent': [{ 'gen_ai.operation.name': 'invoke_agent' }],
  container: [
    { 'gen_ai.operation.name': 'agent_step' },
    { 'ai.operationId': 'ai.streamText' },
    { 'traceloop.span.kind': 'workflow' },
  ],
  tool: ['search', 'fetch'].map((name) => ({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name })),
  never: [{ 'gen_ai.operation.name': 'fetch_response' }],
  unknown: [{}, { 'gen_ai.operation.name': 'decide' }],
}

const usage: fc.Arbitrary<TreeUsage> = fc
  .record({
    // Half of them alike: spans of one call that nest say the same.
    input: fc.oneof(fc.constant(100), fc.nat({ max: 1000 })),
    output: fc.oneof(fc.constant(10), fc.nat({ max: 1000 })),
    cacheRead: fc.constantFrom(0, 0, 7, 9),
    cost: fc.constantFrom('reported', 'priced', 'priced', 'unpriced', 'unnamed'),
  })
  // More cached than input would be read as input beside it.
  .map((parts) => ({ ...parts, cacheRead: Math.min(parts.cacheRead, parts.input) }))

const roles: readonly TreeRole[] = [
  'leaf',
  'leaf',
  'leaf',
  'agent',
  'remote-agent',
  'container',
  'tool',
  'never',
  'unknown',
]

/** Random trees of up to `maxSpans` spans, most of them deep, with starts and ends in any order that can happen. */
export function randomTrees(maxSpans: number): fc.Arbitrary<RandomTree> {
  const span = fc.record({
    parentPick: fc.nat(),
    role: fc.constantFrom(...roles),
    markPick: fc.nat(),
    usage: fc.option(usage, { nil: undefined }),
    failed: fc.boolean(),
    startKey: fc.nat({ max: 1000 }),
    endKey: fc.nat({ max: 1000 }),
  })
  return fc
    .record({
      drawn: fc.array(span, { maxLength: maxSpans }),
      rootEndKey: fc.nat({ max: 1000 }),
      rootFailed: fc.boolean(),
      rootUsage: fc.option(usage, { nil: undefined }),
    })
    .map(({ drawn, rootEndKey, rootFailed, rootUsage }) => {
      const spans = drawn.map(({ parentPick, role, markPick, usage: said, failed }, index) => ({
        // Half of the spans hang on the one before them: nesting is what is tested.
        parent: parentPick % 2 === 0 ? index - 1 : (Math.floor(parentPick / 2) % (index + 1)) - 1,
        role,
        marks: marksOf[role][markPick % marksOf[role].length]!,
        usage: said,
        failed,
      }))
      return { spans, steps: stepsOf(spans, drawn, rootEndKey), rootFailed, rootUsage }
    })
}

/** A span starts after its parent has started and ends after it has started; the rest is as the keys say. */
function stepsOf(
  spans: readonly TreeSpan[],
  keys: readonly { readonly startKey: number; readonly endKey: number }[],
  rootEndKey: number,
): RandomTree['steps'] {
  const startAt: number[] = []
  const steps = [{ at: rootEndKey, kind: 'end' as 'start' | 'end', index: -1 }]
  for (const [index, { parent }] of spans.entries()) {
    const { startKey, endKey } = keys[index]!
    const at = Math.max(startKey, parent === -1 ? 0 : startAt[parent]!)
    startAt.push(at)
    steps.push({ at, kind: 'start', index }, { at: Math.max(at, endKey), kind: 'end', index })
  }
  // The sort is stable, and at one time starts go before ends.
  return steps.toSorted((a, b) => a.at - b.at || (a.kind === b.kind ? a.index - b.index : a.kind === 'start' ? -1 : 1))
}
