import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { naiveTotals } from '../support/naive-totals.ts'
import { attributesOf, priceOfTrees } from '../support/play-tree.ts'
import { randomTrees, type RandomTree } from '../support/random-tree.ts'
import { recordSpans } from '../support/record-spans.ts'
import { totalsOn } from '../support/totals-on.ts'

const mark = { 'gen_ai.operation.name': 'invoke_agent' }

/** When the topmost agent's mark is set, what is around it, and whether parents come as spans or as ids alone. */
interface Setting {
  readonly markAt: 'start' | 'first child' | 'end'
  readonly around: 'nothing' | 'server'
  readonly byId: boolean
}

const settings = fc.record<Setting>({
  markAt: fc.constantFrom('start', 'first child', 'end'),
  around: fc.constantFrom('nothing', 'server'),
  byId: fc.boolean(),
})

/** Plays a tree as a framework writes it, without a run. */
function playAlone(tree: RandomTree, { markAt, around, byId }: Setting): void {
  const tracer = trace.getTracer('framework')
  const below = (parent: Context, span: Span): Context =>
    byId ? trace.setSpanContext(parent, { ...span.spanContext() }) : trace.setSpan(parent, span)
  const request = around === 'server' ? tracer.startSpan('request', { kind: SpanKind.SERVER }) : undefined
  const outside = request === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, request)
  const usage: Attributes =
    tree.rootUsage === undefined
      ? {}
      : attributesOf({ parent: -2, role: 'agent', marks: {}, usage: tree.rootUsage, failed: false })
  const root = tracer.startSpan('root', { attributes: { ...usage, ...(markAt === 'start' ? mark : {}) } }, outside)
  if (markAt === 'first child') root.setAttributes(mark)
  const rootContext = below(outside, root)
  const contexts: Context[] = []
  const started: Span[] = []
  for (const { kind, index } of tree.steps) {
    if (kind === 'start') {
      const span = tree.spans[index]!
      const parent = span.parent === -1 ? rootContext : contexts[span.parent]!
      const kindOfSpan = span.role === 'remote-agent' ? SpanKind.CLIENT : SpanKind.INTERNAL
      started[index] = tracer.startSpan(span.role, { kind: kindOfSpan, attributes: attributesOf(span) }, parent)
      contexts[index] = below(parent, started[index])
    } else {
      const span = index === -1 ? root : started[index]!
      if (index === -1 && markAt === 'end') root.setAttributes(mark)
      if (index === -1 ? tree.rootFailed : tree.spans[index]!.failed) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }
  }
  request?.end()
}

it('adds up the same for an agent that nobody wrapped, whenever it is found and whatever is around it', async () => {
  const property = fc.asyncProperty(randomTrees(10), settings, async (tree, setting) => {
    // A span that has ended is found by its id no more, and before an agent is found what starts below it counts above it.
    if (
      (setting.byId || setting.markAt === 'end') &&
      tree.steps.some(({ kind, index }, at) => kind === 'start' && hasEnded(tree, index, at))
    )
      return
    await using spans = recordSpans({ rollup: { adopt: 'agents', prices: priceOfTrees } })
    playAlone(tree, setting)
    await spans.provider.forceFlush()
    const root = spans.span('root')
    const { spanId } = root.spanContext()
    const amendments = spans.all.filter(
      ({ name, parentSpanContext }) => name === 'runspan amendment' && parentSpanContext?.spanId === spanId,
    )
    const total = totalsOn([root], 'runspan.')
    const late = totalsOn(amendments, 'runspan.late.')
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += late[key]
    expect(total).toEqual(naiveTotals(tree))
    expect(root.attributes['runspan.rollup.scope']).toBe(setting.around === 'nothing' ? 'run' : 'agent')
    expect(context.active()).toBe(ROOT_CONTEXT)
  })
  await fc.assert(property, { numRuns: 600 })
})

/** Whether the parent of a span has ended before it starts. */
function hasEnded(tree: RandomTree, index: number, before: number): boolean {
  const { parent } = tree.spans[index]!
  return tree.steps.slice(0, before).some((step) => step.kind === 'end' && step.index === parent)
}
