import { context, trace, type Context } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  SamplingDecision,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import {
  RunRollupProcessor,
  RunspanError,
  endRun,
  startRun,
  stats,
  tool,
  withSpan,
  wrapAgent,
  type RunTotals,
} from '../../src/index.ts'
import { defaultMaxClosedRuns, defaultMaxOpenRuns, configureRegistry } from '../../src/run/shared.ts'
import { chat, emitSpans, operation, startForeign } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const known = { attributes: { 'gen_ai.request.model': 'known-model', 'gen_ai.provider.name': 'somebody' } }
const prices = ({ model }: { readonly model: string }): number | undefined =>
  model === 'known-model' ? 0.01 : undefined

/** A processor of somebody else's that does one thing in one place. */
function processor(own: Partial<SpanProcessor>): SpanProcessor {
  return {
    onStart: () => {},
    onEnd: () => {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...own,
  }
}

/** Exports in batches, as an application does; what it has exported stays after its shutdown. */
function batches(): { readonly exported: ReadableSpan[]; readonly batch: SpanProcessor } {
  const exported: ReadableSpan[] = []
  const batch = new BatchSpanProcessor({
    export(spans, done) {
      exported.push(...spans)
      done({ code: 0 })
    },
    shutdown: () => Promise.resolve(),
  })
  return { exported, batch }
}

function boom(): never {
  throw new Error('boom')
}

describe('the cost of a run', () => {
  const unknown = chat(1)
  const rows = [
    ['reported', [chat(1, 0, { attributes: { 'gen_ai.usage.cost': 0.5 } })], 0.5],
    ['priced', [chat(1, 0, known)], 0.01],
    ['mixed', [chat(1, 0, known), chat(1, 0, { attributes: { 'gen_ai.usage.cost': 0.5 } })], 0.51],
    ['mixed', [chat(1, 0, known), unknown], 0.01],
    ['unpriced', [unknown, unknown], undefined],
  ] as const
  it.each(rows)('is %s', async (source, spans, usd) => {
    await using recorded = recordSpans({ rollup: { prices } })
    const { runId, ended } = await wrapAgent('planner', () => emitSpans(spans))
    const { attributes } = recorded.root(runId)
    expect(attributes['runspan.cost.source']).toBe(source)
    expect(attributes['runspan.cost.usd']).toBe(usd)
    expect(attributes['runspan.cost.nano_usd']).toBe(usd === undefined ? undefined : Math.round(usd * 1e9))
    expect(attributes['runspan.calls.unpriced'] ?? 0).toBe(spans.filter((span) => span === unknown).length)
    const { totals } = await ended
    expect(totals.costUsd).toBe(usd)
    expect(totals.costNanoUsd).toBe(usd === undefined ? undefined : BigInt(Math.round(usd * 1e9)))
  })

  it('is absent, never 0, where nobody knows it, and is absent where there was no call', async () => {
    await using recorded = recordSpans({ rollup: { prices: 'none' } })
    await wrapAgent('unknown', () => emitSpans([chat(1)]))
    await wrapAgent('no call', () => {})
    expect(recorded.attributes('invoke_agent unknown')).not.toHaveProperty(['runspan.cost.usd'])
    expect(recorded.attributes('invoke_agent no call')).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'no call',
      'runspan.run.id': expect.any(String) as string,
      'runspan.run.status': 'completed',
      'runspan.spans': 1,
      'runspan.rollup.scope': 'run',
      'runspan.rollup.complete': true,
    })
  })

  it('of a price function that throws is unknown, counted, and nobody’s failure', async () => {
    await using recorded = recordSpans({
      rollup: {
        prices: () => {
          throw new Error('no table')
        },
      },
    })
    const before = stats().callbackErrors
    const { runId } = await wrapAgent('planner', () => emitSpans([chat(1, 0, known)]))
    expect(recorded.root(runId).attributes['runspan.cost.source']).toBe('unpriced')
    expect(stats().callbackErrors - before).toBe(1)
  })
})

describe('ids that are stamped', () => {
  it('are conversation and user on every span of the run, and the run id on its root alone', async () => {
    await using recorded = recordSpans()
    await wrapAgent('planner', () => withSpan('step', () => emitSpans([chat(1)])), {
      conversationId: 'c-1',
      userId: 'u-1',
    })
    for (const { attributes } of recorded.all) {
      expect(attributes).toMatchObject({ 'gen_ai.conversation.id': 'c-1', 'user.id': 'u-1' })
    }
    const stamped = recorded.all.filter((span) => span.attributes['runspan.run.id'] !== undefined)
    expect(stamped.map((span) => span.name)).toEqual(['invoke_agent planner'])
  })

  it('are never invented, and never replace what a span says itself', async () => {
    await using recorded = recordSpans()
    await wrapAgent('with', () => emitSpans([{ name: 'own', attributes: { 'user.id': 'u-2' } }]), { userId: 'u-1' })
    await wrapAgent('without', () => emitSpans([{ name: 'plain' }]))
    expect(recorded.attributes('own')).toEqual({ 'user.id': 'u-2' })
    expect(recorded.attributes('plain')).toEqual({})
  })

  it('are the run id on every span with stamp: all', async () => {
    await using recorded = recordSpans({ rollup: { stamp: 'all' } })
    const { runId } = await wrapAgent('planner', () => withSpan('step', () => emitSpans([chat(1)])))
    expect(recorded.all.map((span) => span.attributes['runspan.run.id'])).toEqual([runId, runId, runId])
  })
})

describe('limits and foreign hands', () => {
  it('cost no rollup: a root with 128 attributes keeps its totals', async () => {
    await using recorded = recordSpans({ spanLimits: { attributeCountLimit: 128 } })
    const { runId } = await wrapAgent('planner', (run) => {
      for (let key = 0; key < 300; key++) run.setAttribute(`key.${key}`, key)
      emitSpans([chat(100, 20)])
    })
    const { attributes } = recorded.root(runId)
    expect(attributes).not.toHaveProperty(['key.299'])
    expect(attributes).toMatchObject({
      'runspan.usage.input_tokens': 100,
      'runspan.calls.llm': 1,
      'runspan.run.status': 'completed',
      'runspan.rollup.complete': true,
    })
  })

  it('write the rollup of a root that foreign code ends', async () => {
    await using recorded = recordSpans()
    const run = startRun('planner')
    run.with(() => {
      emitSpans([chat(100, 20), { name: 'step', failed: true }])
      trace.getActiveSpan()!.end()
    })
    expect(recorded.root(run.runId).attributes).toMatchObject({
      'runspan.usage.input_tokens': 100,
      'runspan.spans': 3,
      'runspan.errors': 1,
      'runspan.rollup.complete': true,
    })
    endRun(run)
    expect(recorded.all.filter((span) => span.name === 'invoke_agent planner')).toHaveLength(1)
  })

  it('count once where two processors are registered', async () => {
    const second = new RunRollupProcessor() as SpanProcessor
    await using recorded = recordSpans({ rollup: { prices: 'none' }, processors: [second] })
    const { runId, result } = await wrapAgent('planner', () => {
      emitSpans([chat(100, 20)])
      return [startForeign(chat(3))]
    })
    result[0]!.end()
    expect(recorded.root(runId).attributes).toMatchObject({ 'runspan.usage.input_tokens': 100, 'runspan.spans': 2 })
    expect(recorded.of(runId).filter((span) => span.name === 'runspan amendment')).toHaveLength(1)
  })

  it('reach nobody where another processor throws', async () => {
    const before = stats().internalErrors
    const after: string[] = []
    {
      await using recorded = recordSpans({ processors: [processor({ onEnd: boom })] })
      const { result, ended } = await wrapAgent('planner', () => tool('search', () => 'found')())
      expect(result).toBe('found')
      const { status, totals } = await ended
      expect({ status, tools: totals.toolCalls }).toEqual({ status: 'completed', tools: 1 })
      after.push(...recorded.all.map((span) => span.name))
    }
    {
      await using recorded = recordSpans({ processors: [processor({ onStart: boom })] })
      const { result, ended } = await wrapAgent('planner', () => 'unrecorded')
      expect(result).toBe('unrecorded')
      expect((await ended).status).toBe('completed')
      after.push(...recorded.all.map((span) => span.name))
    }
    // Behind a processor that throws nothing arrives: that is the SDK's doing. The agent runs all the same.
    expect(after).toEqual([])
    expect(stats().internalErrors).toBeGreaterThan(before)
  })

  it('do not mistake a span for a root that another processor starts while a root starts', async () => {
    let nested: Context | undefined
    const starts = processor({
      onStart: (span) => {
        if (!span.name.startsWith('invoke_agent') || nested !== undefined) return
        nested = context.active()
        trace.getTracer('nested').startSpan('started inside', { root: true }).end()
      },
    })
    await using recorded = recordSpans({ processors: [starts] })
    const { runId } = await wrapAgent('planner', () => emitSpans([chat(100)]))
    expect(recorded.root(runId).attributes).toMatchObject({ 'runspan.usage.input_tokens': 100, 'runspan.spans': 2 })
    expect(recorded.attributes('started inside')).toEqual({})
  })
})

describe('onUsage', () => {
  it('is called after each call that was counted, with the sums of the run so far', async () => {
    const seen: [string, RunTotals][] = []
    await using recorded = recordSpans({
      rollup: { prices: 'none', onUsage: (runId, totals) => seen.push([runId, totals]) },
    })
    const { runId } = await wrapAgent('planner', (run) => {
      emitSpans([chat(100, 20), { name: 'step' }, operation('execute_tool'), chat(7)])
      expect(run.totals).toMatchObject({ inputTokens: 107, llmCalls: 2, toolCalls: 1, spans: 4, complete: true })
    })
    expect(seen.map(([id, totals]) => [id, totals.inputTokens, totals.llmCalls])).toEqual([
      [runId, 100, 1],
      [runId, 107, 2],
    ])
    expect(recorded.root(runId).attributes['runspan.usage.input_tokens']).toBe(107)
  })

  it('that throws is counted, and neither code nor export notices', async () => {
    await using recorded = recordSpans({
      rollup: {
        onUsage: () => {
          throw new Error('over budget')
        },
      },
    })
    const before = stats().callbackErrors
    const { runId } = await wrapAgent('planner', () => emitSpans([chat(1), chat(2)]))
    expect(stats().callbackErrors - before).toBe(2)
    expect(recorded.of(runId)).toHaveLength(3)
  })

  it('may end the run it is called for', async () => {
    await using recorded = recordSpans({
      rollup: {
        prices: 'none',
        onUsage: (runId) => void endRun(runId, { status: 'failed', metadata: { why: 'budget' } }),
      },
    })
    const run = startRun('planner')
    run.with(() => withSpan('step', () => emitSpans([chat(100), chat(7)])))
    expect(recorded.root(run.runId).attributes).toMatchObject({
      'runspan.run.status': 'failed',
      'runspan.usage.input_tokens': 100,
      'runspan.rollup.open_spans': 1,
    })
    await recorded.provider.forceFlush()
    expect(recorded.attributes('runspan amendment')).toMatchObject({
      'runspan.late.usage.input_tokens': 7,
      'runspan.late.spans': 2,
    })
  })
})

describe('sampling', () => {
  it('leaves a run that is not recorded without totals, and the agent untouched', async () => {
    await using recorded = recordSpans({ sampler: new AlwaysOffSampler() })
    const { result, ended } = await wrapAgent('planner', (run) => {
      emitSpans([chat(100)])
      run.setUsage({ inputTokens: 1 })
      return withSpan('step', () => run.recorded)
    })
    expect(result).toBe(false)
    const { status, totals } = await ended
    expect({ status, ...totals }).toMatchObject({ status: 'completed', inputTokens: 0, llmCalls: 0, complete: false })
    expect(recorded.all).toEqual([])
  })

  it('that records without sampling sums up and exports nothing', async () => {
    const recordOnly: Sampler = {
      shouldSample: () => ({ decision: SamplingDecision.RECORD }),
      toString: () => 'record only',
    }
    await using recorded = recordSpans({ sampler: recordOnly })
    const { ended } = await wrapAgent('planner', () => emitSpans([chat(100)]))
    expect((await ended).totals).toMatchObject({ inputTokens: 100, llmCalls: 1, complete: true })
    expect(recorded.all).toEqual([])
  })

  it('that drops a span in between still counts what is below it', async () => {
    const dropsSteps: Sampler = {
      shouldSample: (_context, _traceId, name) => ({
        decision: name === 'step' ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
      }),
      toString: () => 'drops steps',
    }
    await using recorded = recordSpans({ sampler: dropsSteps, rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', (run) => {
      run.setUsage({ inputTokens: 500 })
      withSpan('step', () => emitSpans([chat(100)]))
    })
    expect(recorded.root(runId).attributes).toMatchObject({ 'runspan.usage.input_tokens': 100, 'runspan.spans': 2 })
  })
})

describe('bounds', () => {
  it('evict the oldest open run from the registry, which goes on and ends with its totals', async () => {
    await using recorded = recordSpans({ rollup: { maxOpenRuns: 2, prices: 'none' } })
    try {
      const before = stats().openRunsEvicted
      const runs = ['a', 'b', 'c'].map((name) => startRun(name))
      expect(stats().openRunsEvicted - before).toBe(1)
      expect(endRun(runs[0]!.runId)).toBe(false)
      for (const run of runs) run.with(() => emitSpans([chat(1)]))
      for (const run of runs) run.end()
      for (const run of runs) expect(recorded.root(run.runId).attributes['runspan.usage.input_tokens']).toBe(1)
    } finally {
      configureRegistry({ maxOpenRuns: defaultMaxOpenRuns, maxClosedRuns: defaultMaxClosedRuns })
    }
  })

  it.each([{ maxOpenRuns: 0 }, { maxClosedRuns: 0 }, { maxOpenRuns: 1.5 }, { stamp: 'some' as 'all' }])(
    'and other options that cannot work are refused at set-up: %o',
    (options) => {
      expect(() => new RunRollupProcessor(options)).toThrow(RunspanError)
    },
  )

  it('are refused at set-up under names that are none', () => {
    expect(() => new RunRollupProcessor({ maxOpenRun: 7 } as never)).toThrow(
      'Failed to configure RunRollupProcessor: it has no option maxOpenRun. Did you mean maxOpenRuns? Known are stamp, ',
    )
    expect(() => new RunRollupProcessor({ maxOpenRun: undefined } as never)).not.toThrow()
  })
})

describe('shutdown', () => {
  it('ends open runs as abandoned, with their totals, before the next processor shuts down', async () => {
    const { exported, batch } = batches()
    await using recorded = recordSpans({ processors: [batch] })
    const other = new NodeTracerProvider({ spanProcessors: [new RunRollupProcessor()] })
    const runs = ['a', 'b', 'c'].map((name) => startRun(name))
    const elsewhere = startRun('of another provider', { tracerProvider: other })
    runs[0]!.with(() => emitSpans([chat(1)]))
    await recorded.provider.shutdown()
    const roots = exported
      .filter((span) => span.parentSpanContext === undefined)
      .map(({ name, attributes }) => [name, attributes['runspan.run.status'], attributes['runspan.calls.llm']])
    expect(roots).toEqual([
      ['invoke_agent a', 'abandoned', 1],
      ['invoke_agent b', 'abandoned', undefined],
      ['invoke_agent c', 'abandoned', undefined],
    ])
    expect(await runs[0]!.ended).toMatchObject({ status: 'abandoned', totals: { llmCalls: 1 } })
    expect(elsewhere.end().status).toBe('completed')
  })

  it('writes what is still pending of runs that have ended, once', async () => {
    const { exported, batch } = batches()
    await using recorded = recordSpans({ processors: [batch] })
    const { result } = await wrapAgent('planner', () => ['a', 'b'].map((name) => startForeign({ name })))
    result[0]!.end()
    await recorded.provider.shutdown()
    await recorded.provider.shutdown()
    expect(exported.map((span) => span.name)).toEqual(['invoke_agent planner', 'a', 'runspan amendment'])
  })
})
