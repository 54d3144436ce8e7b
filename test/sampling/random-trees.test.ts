import { AlwaysOffSampler, TraceIdRatioBasedSampler, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { RunSampler, RunSamplingProcessor, type RunSamplingOptions } from '../../src/index.ts'
import { playTree, priceOfTrees } from '../support/play-tree.ts'
import { randomTrees } from '../support/random-tree.ts'
import { recordSpans } from '../support/record-spans.ts'
import { SampledProcess } from '../support/sampled-process.ts'

const options: fc.Arbitrary<RunSamplingOptions> = fc.record({
  keep: fc.record(
    {
      failed: fc.boolean(),
      costUsdAbove: fc.constantFrom(0, 0.0005, 1),
      decide: fc.constantFrom(
        () => true,
        () => false,
      ),
    },
    { requiredKeys: [] },
  ),
  rest: fc.constantFrom('roots', 'nothing'),
  maxSpansPerRun: fc.constantFrom(1, 3, 1000),
})

/** A root of a run, or what amends it. */
function holdsNumbers(span: ReadableSpan): boolean {
  return span.parentSpanContext === undefined || span.name === 'runspan amendment'
}

it(
  'a run leaves whole, or with its numbers alone, or not at all, whatever its spans and the rules',
  { timeout: 60_000 },
  async () => {
    await using registered = recordSpans()
    const property = fc.asyncProperty(randomTrees(10), options, fc.boolean(), async (tree, sampling, isHalfSampled) => {
      const process = new SampledProcess({
        sampler: new RunSampler(isHalfSampled ? new TraceIdRatioBasedSampler(0.5) : new AlwaysOffSampler()),
        rollup: { prices: priceOfTrees },
        around: (exporting) => new RunSamplingProcessor(exporting, sampling),
      })
      const { runId } = playTree(tree, process.tracer)
      await process.provider.forceFlush()
      const seen = process.seen.map((span) => span.spanContext().spanId)
      const left = process.exported
      const spanIds = left.map((span) => span.spanContext().spanId)
      expect(new Set(spanIds).size, 'spans that left twice').toBe(left.length)
      expect(left.every((span) => span.spanContext().traceFlags === 1)).toBe(true)
      if (left.length === 0) {
        expect(sampling.rest).toBe('nothing')
        return
      }
      const reason = left.find((span) => span.parentSpanContext === undefined)!.attributes['runspan.sampling.reason']
      const dropped = Number(
        left.find((span) => span.parentSpanContext === undefined)!.attributes['runspan.sampling.dropped_spans'] ?? 0,
      )
      expect(process.numbersOf(runId, left.filter(holdsNumbers)).map(withoutSampling)).toEqual(
        process.numbersOf(runId, process.seen.filter(holdsNumbers)),
      )
      if (reason === 'root_only') expect(left.every(holdsNumbers)).toBe(true)
      else if (dropped === 0) expect(spanIds.toSorted()).toEqual(seen.toSorted())
      else expect(left.length + dropped).toBe(seen.length)
    })
    await fc.assert(property, { numRuns: 200 })
    expect(registered.all).toEqual([])
  },
)

function withoutSampling(numbers: object): object {
  return Object.fromEntries(Object.entries(numbers).filter(([key]) => !key.startsWith('runspan.sampling.')))
}
