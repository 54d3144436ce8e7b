import { ROOT_CONTEXT, TraceFlags, context, trace, type Context, type TimeInput } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { startRun, stats, type OpenRun } from '../../src/index.ts'
import { shared } from '../../src/run/shared.ts'
import { chat, emitSpans, startForeign } from '../support/emit-spans.ts'
import { registerNullProvider } from '../support/null-provider.ts'
import { recordSpans } from '../support/record-spans.ts'

const prices = (): number => 0.000001

describe('a run of 100 000 spans', () => {
  it('counts each of them, to the token and to the billionth of a dollar', () => {
    using quiet = registerNullProvider({ prices })
    const tracerProvider = quiet.provider
    const tracer = tracerProvider.getTracer('big')
    const run = startRun('big', { tracerProvider })
    const around = run.with(() => context.active())
    for (let step = 0; step < 20_000; step++) {
      const container = tracer.startSpan('step', {}, around)
      const inside = trace.setSpan(around, container)
      for (let call = 1; call <= 4; call++) {
        const attributes = {
          'gen_ai.operation.name': 'chat',
          'gen_ai.request.model': 'm',
          'gen_ai.usage.input_tokens': step,
          'gen_ai.usage.output_tokens': call,
        }
        tracer.startSpan('chat m', { attributes }, inside).end()
      }
      container.end()
    }
    const { totals } = run.end()
    expect(totals).toMatchObject({
      spans: 100_001,
      llmCalls: 80_000,
      inputTokens: 4 * ((20_000 * 19_999) / 2),
      outputTokens: 20_000 * 10,
      costNanoUsd: 80_000n * 1000n,
      complete: true,
    })
  })
})

describe('10 000 open runs', () => {
  it('keep their numbers apart, however their spans interleave', () => {
    using quiet = registerNullProvider({ prices })
    const tracerProvider = quiet.provider
    const tracer = tracerProvider.getTracer('many')
    const runs: { readonly run: OpenRun; readonly inside: Context }[] = []
    for (let made = 0; made < 10_000; made++) {
      const run = startRun('many', { tracerProvider })
      runs.push({ run, inside: run.with(() => context.active()) })
    }
    expect(shared().open.size).toBe(10_000)
    for (let round = 1; round <= 3; round++) {
      for (const [index, { inside }] of runs.entries()) {
        const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': index + round }
        tracer.startSpan('chat', { attributes }, inside).end()
      }
    }
    const wrong = runs.filter(({ run }, index) => {
      const { inputTokens, llmCalls, complete } = run.end().totals
      return inputTokens !== 3 * index + 6 || llmCalls !== 3 || !complete
    })
    expect(wrong).toEqual([])
    expect(shared().open.size).toBe(0)
  })

  it('are as many as are watched; one more lets go of the oldest, which still ends with its totals', () => {
    using quiet = registerNullProvider({ prices, maxOpenRuns: 10_000 })
    const tracerProvider = quiet.provider
    const before = stats().openRunsEvicted
    const runs = Array.from({ length: 10_001 }, () => startRun('many', { tracerProvider }))
    expect(shared().open.size).toBe(10_000)
    expect(stats().openRunsEvicted).toBe(before + 1)
    runs[0]!.with(() => tracerProvider.getTracer('x').startSpan('work').end())
    expect(runs[0]!.end().totals).toMatchObject({ spans: 2, complete: true })
    for (const run of runs.slice(1)) run.end()
  })
})

describe('clocks that disagree', () => {
  it('change no sum: a span that ends before it starts, before its run, or in another century counts', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner')
    const times: readonly (readonly [TimeInput, TimeInput])[] = [
      [Date.now() + 60_000, Date.now() - 60_000],
      [0, 1],
      [4_102_444_800_000, 4_102_444_800_001],
    ]
    run.with(() => {
      for (const [startTime, endTime] of times) {
        trace
          .getTracer('foreign')
          .startSpan('chat', { startTime, attributes: { 'gen_ai.operation.name': 'chat', ...chat(5, 1).attributes } })
          .end(endTime)
      }
    })
    expect(run.progress.timeToFirstChunkMillis).toBeUndefined()
    expect(run.end().totals).toMatchObject({ inputTokens: 15, outputTokens: 3, llmCalls: 3, complete: true })
    expect(spans.all).toHaveLength(4)
  })

  it('never make the first chunk come before the run', async () => {
    await using _ = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner')
    const attributes = { 'gen_ai.response.time_to_first_chunk': 0.5 }
    run.with(() => trace.getTracer('foreign').startSpan('chat', { startTime: 1000, attributes }).end())
    expect(run.progress.timeToFirstChunkMillis).toBe(0)
    run.end()
  })
})

describe('spans that belong to no open run', () => {
  it('are nobody’s: spans without a run add nothing anywhere, and nothing is kept of them', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const run = startRun('planner')
    for (let made = 0; made < 1000; made++) emitSpans([chat(10)], ROOT_CONTEXT)
    expect(run.end().totals).toMatchObject({ spans: 1, inputTokens: 0 })
    expect(spans.all.filter((span) => 'runspan.run.id' in span.attributes)).toHaveLength(1)
    expect(shared().open.size).toBe(0)
  })

  it('of a run that ended long ago are amended where their parent is at hand, also when its id is forgotten', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none', maxClosedRuns: 10 } })
    const old = startRun('old')
    const late = old.with(() => startForeign(chat(7)))
    old.end()
    for (let made = 0; made < 50; made++) startRun('other').end()
    expect(shared().closed.has(old.runId)).toBe(false)
    const before = stats().lateSpans
    late.end()
    expect(stats().lateSpans).toBe(before + 1)
    const [amendment] = spans.of(old.runId).filter((span) => span.name === 'runspan amendment')
    expect(amendment?.attributes['runspan.late.usage.input_tokens']).toBe(7)
  })

  it('of which only the trace id is known are exported and counted nowhere', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const old = startRun('old')
    old.end()
    const root = spans.root(old.runId).spanContext()
    const remote = trace.setSpanContext(ROOT_CONTEXT, { ...root, traceFlags: TraceFlags.SAMPLED, isRemote: true })
    emitSpans([chat(7)], remote)
    expect(spans.of(old.runId).map((span) => span.name)).toEqual(['invoke_agent old', 'chat'])
    expect(spans.root(old.runId).attributes).not.toHaveProperty(['runspan.usage.input_tokens'])
  })
})
