import { SpanStatusCode, context, type Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { joinRun, stats, wrapAgent } from '../../src/index.ts'
import { chat, operation, startForeign } from '../support/emit-spans.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

function amendmentsOf(spans: RecordedSpans, runId: string): readonly ReadableSpan[] {
  return spans.of(runId).filter((span) => span.name === 'runspan amendment')
}

describe('a span that ends after the root of its run (P10)', () => {
  it('is exported in the run’s trace, counted as late, and its numbers follow in an amendment', async () => {
    await using spans = recordSpans({ rollup: { prices: () => 0.002 } })
    const before = stats().lateSpans
    const { result, runId } = await wrapAgent('planner', () => [
      startForeign(chat(100, 20, { attributes: { 'gen_ai.request.model': 'some-model' } })),
    ])
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.spans': 1,
      'runspan.rollup.complete': false,
      'runspan.rollup.open_spans': 1,
    })
    for (const span of result) span.end()
    expect(stats().lateSpans - before).toBe(1)
    const [amendment] = amendmentsOf(spans, runId)
    expect(amendment?.attributes).toEqual({
      'runspan.run.id': runId,
      'runspan.rollup.scope': 'run',
      'runspan.late.calls.llm': 1,
      'runspan.late.usage.input_tokens': 100,
      'runspan.late.usage.output_tokens': 20,
      'runspan.late.cost.source': 'priced',
      'runspan.late.cost.usd': 0.002,
      'runspan.late.cost.nano_usd': 2_000_000,
      'runspan.late.spans': 1,
    })
    expect(amendment?.parentSpanContext?.spanId).toBe(spans.root(runId).spanContext().spanId)
    expect(amendment?.duration).toEqual([0, 0])
    expectTrace(spans.tree(runId)).toBe(`
      invoke_agent planner
        chat
        runspan amendment
    `)
  })

  it('is amended together with others that were open, when the last of them ends', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { result, runId } = await wrapAgent('planner', () =>
      [chat(1), operation('execute_tool'), { name: 'other', failed: true }].map((span) => startForeign(span)),
    )
    for (const span of result) {
      expect(amendmentsOf(spans, runId)).toEqual([])
      span.end()
    }
    expect(amendmentsOf(spans, runId).map((span) => span.attributes)).toEqual([
      {
        'runspan.run.id': runId,
        'runspan.rollup.scope': 'run',
        'runspan.late.calls.llm': 1,
        'runspan.late.calls.unpriced': 1,
        'runspan.late.cost.source': 'unpriced',
        'runspan.late.usage.input_tokens': 1,
        'runspan.late.calls.tool': 1,
        'runspan.late.errors': 1,
        'runspan.late.spans': 3,
      },
    ])
  })

  it('is amended by a flush where others stay open, and again when those end', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { result, runId } = await wrapAgent('planner', () => [startForeign(chat(1)), startForeign(chat(2))])
    result[0]!.end()
    await spans.provider.forceFlush()
    await spans.provider.forceFlush()
    result[1]!.end()
    const late = amendmentsOf(spans, runId).map((span) => span.attributes['runspan.late.usage.input_tokens'])
    expect(late).toEqual([1, 2])
  })

  it('may start after the root has ended, in the context of work that nobody awaited', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { result, runId } = await wrapAgent('planner', () => [context.active()])
    expect(spans.root(runId).attributes['runspan.rollup.complete']).toBe(true)
    startForeign(chat(5), result[0]).end()
    const late = amendmentsOf(spans, runId).map((span) => span.attributes['runspan.late.usage.input_tokens'])
    expect(late).toEqual([5])
  })

  it('takes back what was counted in its stead: the amendment may be negative, or change numbers and no calls', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    let late: Span | undefined
    const { runId } = await wrapAgent('planner', (run) => {
      late = startForeign(chat(40, 4))
      run.setUsage({ inputTokens: 100, outputTokens: 3, costUsd: 0.5 })
    })
    expect(spans.root(runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 100,
      'runspan.cost.nano_usd': 500_000_000,
      'runspan.rollup.complete': false,
    })
    late!.end()
    expect(amendmentsOf(spans, runId)[0]?.attributes).toEqual({
      'runspan.run.id': runId,
      'runspan.rollup.scope': 'run',
      'runspan.late.calls.llm': 0,
      'runspan.late.calls.unpriced': 1,
      'runspan.late.usage.input_tokens': -60,
      'runspan.late.usage.output_tokens': 1,
      'runspan.late.cost.source': 'unpriced',
      'runspan.late.cost.usd': -0.5,
      'runspan.late.cost.nano_usd': -500_000_000,
      'runspan.late.rollup.suppressed_spans': 1,
      'runspan.late.spans': 1,
    })
  })

  it('takes back the failure of a root that failed on its account', async () => {
    await using spans = recordSpans()
    let late: Span | undefined
    const failing = wrapAgent('planner', () => {
      late = startForeign({ name: 'call' })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    late!.setStatus({ code: SpanStatusCode.ERROR })
    late!.end()
    const runId = late!.spanContext().traceId
    expect(spans.root(runId).attributes['runspan.errors']).toBe(1)
    // One failure, now counted where it happened: the sum of both stays 1.
    expect(amendmentsOf(spans, runId)[0]?.attributes).toEqual({
      'runspan.run.id': runId,
      'runspan.rollup.scope': 'run',
      'runspan.late.spans': 1,
    })
  })

  it('of a local segment is amended on the run', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { result, runId } = await wrapAgent('planner', (run) =>
      joinRun(run.runId, () => [startForeign(chat(30))], { name: 'part' }),
    )
    result[0]!.end()
    const late = amendmentsOf(spans, runId).map((span) => span.attributes['runspan.late.usage.input_tokens'])
    expect(late).toEqual([30])
  })

  it('of a segment is amended on the segment where the run is owned elsewhere', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const runId = '0af7651916cd43dd8448eb211c80319c'
    const [late] = joinRun(runId, () => [startForeign(chat(30))], { name: 'part' })
    late.end()
    const [amendment] = amendmentsOf(spans, runId)
    expect(amendment?.parentSpanContext?.spanId).toBe(spans.span('part').spanContext().spanId)
    expect(amendment?.attributes).toMatchObject({
      'runspan.rollup.scope': 'segment',
      'runspan.late.usage.input_tokens': 30,
    })
  })

  it('is neither counted nor amended twice where it is ended again', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { result, runId } = await wrapAgent('planner', () => [startForeign(chat(30))])
    result[0]!.end()
    result[0]!.end()
    expect(amendmentsOf(spans, runId)).toHaveLength(1)
  })

  it('waits with at most 256 other runs for spans that never end', async () => {
    await using spans = recordSpans()
    const runIds: string[] = []
    for (let run = 0; run < 300; run++) {
      // Nothing ends the first of them, so that the second alone never completes the run.
      const { result, runId } = await wrapAgent('planner', () => [
        startForeign({ name: 'a' }),
        startForeign({ name: 'b' }),
      ])
      result[1]!.end()
      runIds.push(runId)
    }
    expect(runIds.filter((runId) => amendmentsOf(spans, runId).length > 0)).toEqual(runIds.slice(0, 300 - 256))
    await spans.provider.forceFlush()
    expect(runIds.every((runId) => amendmentsOf(spans, runId).length === 1)).toBe(true)
  })

  it('has an amendment that no processor counts as a span of the run', async () => {
    await using spans = recordSpans()
    const { result, runId } = await wrapAgent('planner', () => [
      startForeign({ name: 'a' }),
      startForeign({ name: 'b' }),
    ])
    result[0]!.end()
    await spans.provider.forceFlush()
    result[1]!.end()
    expect(amendmentsOf(spans, runId).map((span) => span.attributes['runspan.late.spans'])).toEqual([1, 1])
  })
})
