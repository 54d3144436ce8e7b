import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { naiveTotals, type NaiveTotals } from '../support/naive-totals.ts'
import { playTree, priceOfTrees } from '../support/play-tree.ts'
import { randomTrees, type RandomTree } from '../support/random-tree.ts'
import { recordSpans } from '../support/record-spans.ts'
import { totalsOn } from '../support/totals-on.ts'

function added(a: NaiveTotals, b: NaiveTotals): NaiveTotals {
  return Object.fromEntries(
    Object.entries(a).map(([name, value]) => [name, value + b[name as keyof NaiveTotals]]),
  ) as never
}

/** Whether a span ends after everything below it. */
function endsLast({ spans, steps }: RandomTree, top: number): boolean {
  const isBelow = (index: number): boolean =>
    index >= 0 && (spans[index]!.parent === top || isBelow(spans[index]!.parent))
  const end = steps.findIndex(({ kind, index }) => kind === 'end' && index === top)
  return !steps.some(({ index }, at) => at > end && isBelow(index))
}

/** Keeps the spans of each trace until a test takes them. */
class SpansByTrace implements SpanProcessor {
  readonly #spans = new Map<string, ReadableSpan[]>()

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId } = span.spanContext()
    const there = this.#spans.get(traceId)
    if (there === undefined) this.#spans.set(traceId, [span])
    else there.push(span)
  }

  take(traceId: string): readonly ReadableSpan[] {
    const spans = this.#spans.get(traceId) ?? []
    this.#spans.delete(traceId)
    return spans
  }

  forceFlush(): Promise<void> {
    return Promise.resolve()
  }

  shutdown(): Promise<void> {
    return Promise.resolve()
  }
}

describe('any tree of spans', () => {
  it(
    'adds up to what the rules make of the finished tree, in whatever order its spans end',
    { timeout: 120_000 },
    async () => {
      const byTrace = new SpansByTrace()
      await using spans = recordSpans({
        processors: [byTrace],
        rollup: { prices: priceOfTrees },
      })
      const property = fc.asyncProperty(randomTrees(14), async (tree) => {
        const { runId, spanIds } = playTree(tree)
        await spans.provider.forceFlush()
        const exported = byTrace.take(runId)
        const roots = exported.filter((span) => span.parentSpanContext === undefined)
        const amendments = exported.filter((span) => span.name === 'runspan amendment')
        const total = added(totalsOn(roots, 'runspan.'), totalsOn(amendments, 'runspan.late.'))
        expect(total).toEqual(naiveTotals(tree))
        for (const span of exported) {
          if (span.attributes['runspan.rollup.scope'] !== 'agent') continue
          const index = spanIds.indexOf(span.spanContext().spanId)
          if (!endsLast(tree, index)) continue
          expect(totalsOn([span], 'runspan.'), `subtotal of span ${index}`).toEqual(naiveTotals(tree, index))
          expect(span.attributes['runspan.rollup.complete']).toBe(true)
        }
      })
      await fc.assert(property, { numRuns: 1500 })
    },
  )
})
