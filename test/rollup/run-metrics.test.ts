import { context, metrics, propagation, trace, type Attributes } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { AlwaysOffSampler, type Sampler } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  RunIdGenerator,
  RunRollupProcessor,
  RunSampler,
  endRun,
  joinRun,
  startRun,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { chat, emitSpans, startForeign } from '../support/emit-spans.ts'
import { RecordedMetrics } from '../support/metric-reader.ts'
import { playTree, priceOfTrees } from '../support/play-tree.ts'
import { randomTrees, type RandomTree } from '../support/random-tree.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'
import { SampledProcess } from '../support/sampled-process.ts'

const inputTokens = 'gen_ai.client.inference.usage.input_tokens'

/** A registered provider whose rollup reports into those metrics. */
function reportTo(recorded: RecordedMetrics, sampler?: Sampler): RecordedSpans {
  return recordSpans({
    rollup: { metrics: recorded.provider, prices: 'none' },
    ...(sampler === undefined ? {} : { sampler }),
  })
}

const model = (name: string, more: Attributes = {}): Attributes => ({
  'gen_ai.request.model': name,
  'gen_ai.provider.name': 'acme',
  ...more,
})

describe('metrics of runs', () => {
  it('have the names, units and buckets of the GenAI conventions', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    await wrapAgent('planner', () => {
      emitSpans([
        chat(10, 4, {
          attributes: model('small', {
            'gen_ai.usage.cache_read.input_tokens': 3,
            'gen_ai.usage.cache_write.input_tokens': 2,
            'gen_ai.usage.reasoning.output_tokens': 1,
            'gen_ai.usage.cost': 0.5,
          }),
        }),
        chat(1),
      ])
    })
    expect(await recorded.descriptions()).toEqual({
      [inputTokens]: { unit: '{token}', isMonotonic: true },
      'gen_ai.client.inference.usage.output_tokens': { unit: '{token}', isMonotonic: true },
      'gen_ai.client.inference.usage.cache_read.input_tokens': { unit: '{token}', isMonotonic: true },
      'gen_ai.client.inference.usage.cache_write.input_tokens': { unit: '{token}', isMonotonic: true },
      'gen_ai.client.inference.usage.reasoning.output_tokens': { unit: '{token}', isMonotonic: true },
      'runspan.cost': { unit: '{USD}', isMonotonic: true },
      'runspan.calls.unpriced': { unit: '{call}', isMonotonic: true },
      'runspan.runs': { unit: '{run}', isMonotonic: true },
      'runspan.run.cost': {
        unit: '{USD}',
        boundaries: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
      },
      'gen_ai.invoke_agent.duration': { unit: 's', boundaries: doubling(0.1, 13) },
      'gen_ai.invoke_agent.inference_calls': { unit: '{inference_call}', boundaries: doubling(1, 8) },
      'gen_ai.invoke_agent.tool_calls': { unit: '{tool_call}', boundaries: doubling(1, 8) },
    })
    expect(spans.all).toHaveLength(3)
  })

  it('count tokens and cost by operation, provider and model, and never by an id', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    await wrapAgent(
      'planner',
      () => {
        emitSpans([
          chat(10, 1, { attributes: model('small', { 'gen_ai.usage.cost': 0.25 }) }),
          chat(20, 2, { attributes: model('small') }),
          chat(5, 0, { attributes: model('embedder', { 'gen_ai.operation.name': 'embeddings' }) }),
          chat(7),
        ])
      },
      { conversationId: 'c-1', userId: 'u-1' },
    )
    const small = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'acme', 'gen_ai.response.model': 'small' }
    const unknown = { 'gen_ai.token.modality': 'unknown' }
    expect(await recorded.points(inputTokens)).toEqual([
      { labels: { ...small, ...unknown }, value: 30 },
      {
        labels: { ...small, ...unknown, 'gen_ai.operation.name': 'embeddings', 'gen_ai.response.model': 'embedder' },
        value: 5,
      },
      { labels: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': '_OTHER', ...unknown }, value: 7 },
    ])
    expect(await recorded.points('runspan.cost')).toEqual([{ labels: small, value: 0.25 }])
    expect(await recorded.sum('runspan.calls.unpriced')).toBe(3)
    expect([...(await recorded.labels())].toSorted()).toEqual([
      'gen_ai.agent.name',
      'gen_ai.operation.name',
      'gen_ai.provider.name',
      'gen_ai.response.model',
      'gen_ai.token.modality',
      'runspan.run.status',
    ])
    expect(spans.all).toHaveLength(5)
  })

  it('count runs by how they ended, and what they cost', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    const priced = chat(1, 1, { attributes: { 'gen_ai.usage.cost': 0.02 } })
    await wrapAgent('planner', () => emitSpans([priced, priced]))
    await wrapAgent('planner', () => emitSpans([chat(1)]))
    await expect(wrapAgent('planner', () => Promise.reject(new TypeError('x')))).rejects.toThrow('x')
    startRun('writer').end({ status: 'cancelled' })
    expect(await recorded.points('runspan.runs')).toEqual([
      { labels: { 'gen_ai.agent.name': 'planner', 'runspan.run.status': 'completed' }, value: 2 },
      { labels: { 'gen_ai.agent.name': 'planner', 'runspan.run.status': 'failed' }, value: 1 },
      { labels: { 'gen_ai.agent.name': 'writer', 'runspan.run.status': 'cancelled' }, value: 1 },
    ])
    // What nobody knows the price of is no run for nothing.
    expect(await recorded.points('runspan.run.cost')).toEqual([
      { labels: { 'gen_ai.agent.name': 'planner', 'runspan.run.status': 'completed' }, value: 0.04, count: 1 },
    ])
    expect(await recorded.points('gen_ai.invoke_agent.duration')).toMatchObject([
      { labels: { 'gen_ai.agent.name': 'planner' }, count: 2 },
      { labels: { 'gen_ai.agent.name': 'planner', 'error.type': 'TypeError' }, count: 1 },
      { labels: { 'gen_ai.agent.name': 'writer' }, count: 1 },
    ])
    expect(spans.all.length).toBeGreaterThan(0)
  })

  it('count each call of a tree of agents once, at the agent that made it', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    await wrapAgent('planner', (run) => {
      emitSpans([chat(1), chat(1)])
      withSpan(
        'critic',
        () => {
          emitSpans([chat(1)])
          withSpan('search', () => {}, { type: 'tool' })
          withSpan('judge', () => emitSpans([chat(1), chat(1), chat(1)]), { type: 'agent' })
        },
        { type: 'agent' },
      )
      joinRun(run.ref, () => withSpan('helper', () => emitSpans([chat(1)]), { type: 'agent' }))
      withSpan('lookup', () => {}, { type: 'tool' })
    })
    const calls = async (name: string): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await recorded.points(name)).map(({ labels, value }) => [String(labels['gen_ai.agent.name']), value]),
      )
    expect(await calls('gen_ai.invoke_agent.inference_calls')).toEqual({ judge: 3, critic: 1, helper: 1, planner: 2 })
    expect(await calls('gen_ai.invoke_agent.tool_calls')).toEqual({ judge: 0, critic: 1, helper: 0, planner: 1 })
    expect(spans.all.length).toBeGreaterThan(0)
  })

  it('are the same whether the runs are sampled or not', async () => {
    const sums: number[] = []
    for (const sampler of [undefined, new RunSampler(new AlwaysOffSampler())]) {
      const recorded = new RecordedMetrics()
      await using spans = reportTo(recorded, sampler)
      await wrapAgent('planner', () => emitSpans([chat(10), chat(20)]))
      sums.push(await recorded.sum(inputTokens), await recorded.sum('runspan.runs'))
      expect(spans.all).toHaveLength(sampler === undefined ? 3 : 0)
    }
    expect(sums).toEqual([30, 1, 30, 1])
  })

  it('count a call that is taken out again not at all, because they wait for open spans', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    const run = startRun('planner')
    const inside = run.with(() => context.active())
    const outer = startForeign(chat(10), inside)
    const inner = startForeign(chat(10), trace.setSpan(inside, outer))
    inner.end()
    run.end()
    expect(await recorded.points(inputTokens)).toEqual([])
    outer.end()
    expect(await recorded.sum(inputTokens)).toBe(10)
    await spans.provider.forceFlush()
    expect(await recorded.sum(inputTokens)).toBe(10)
  })

  it('tell at a flush what has ended, and what comes later once', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    const run = startRun('planner')
    const inside = run.with(() => context.active())
    emitSpans([chat(5)], inside)
    const [late, later] = [startForeign(chat(7), inside), startForeign(chat(9), inside)]
    run.end()
    expect(await recorded.sum(inputTokens)).toBe(0)
    await spans.provider.forceFlush()
    expect(await recorded.sum(inputTokens)).toBe(5)
    late.end()
    await spans.provider.forceFlush()
    expect(await recorded.sum(inputTokens)).toBe(12)
    later.end()
    expect(await recorded.sum(inputTokens)).toBe(21)
    expect(await recorded.sum('runspan.runs')).toBe(1)
  })

  it('wait for at most 256 runs', async () => {
    const recorded = new RecordedMetrics()
    await using spans = reportTo(recorded)
    const open = Array.from({ length: 258 }, () => {
      const run = startRun('planner')
      const inside = run.with(() => context.active())
      emitSpans([chat(1)], inside)
      const span = startForeign(chat(1), inside)
      run.end()
      return span
    })
    expect(await recorded.sum(inputTokens)).toBe(2)
    for (const span of open) span.end()
    expect(await recorded.sum(inputTokens)).toBe(2 * 258)
    expect(spans.all.length).toBeGreaterThan(0)
  })

  it('are told by each process of a run that is handed over for what it did', async () => {
    const [there, here] = [new RecordedMetrics(), new RecordedMetrics()]
    await using spans = reportTo(here)
    const opener = new SampledProcess({ rollup: { metrics: there.provider } })
    const run = startRun('import', { tracer: opener.tracer })
    run.with(() => opener.tracer.startSpan('chat', chat(11)).end())
    endRun(run.handOff())
    expect(await there.sum(inputTokens)).toBe(11)
    expect(await here.sum(inputTokens)).toBe(0)
    expect([await there.sum('runspan.runs'), await here.sum('runspan.runs')]).toEqual([0, 1])
    expect(spans.all).toHaveLength(1)
  })

  it('come to what the roots and their amendments say, for any tree of spans', { timeout: 60_000 }, async () => {
    await using spans = recordSpans()
    const property = fc.asyncProperty(randomTrees(10), async (tree) => {
      const recorded = new RecordedMetrics()
      const process = new SampledProcess({ rollup: { metrics: recorded.provider, prices: priceOfTrees } })
      const { runId } = playTree(tree, process.tracer)
      await process.provider.forceFlush()
      const numbers = process.numbersOf(runId).filter((one) => one['runspan.rollup.scope'] === 'run')
      for (const [name, key, unit] of [
        [inputTokens, 'usage.input_tokens', 1],
        ['runspan.cost', 'cost.nano_usd', 1e9],
        ['runspan.calls.unpriced', 'calls.unpriced', 1],
      ] as const) {
        const total = numbers.reduce(
          (sum, one) => sum + Number(one[`runspan.${key}`] ?? 0) + Number(one[`runspan.late.${key}`] ?? 0),
          0,
        )
        const told = Math.round((await recorded.sum(name)) * unit)
        // What only starts after its run has ended comes to counters that cannot go back.
        if (startsLate(tree)) expect(told, name).toBeGreaterThanOrEqual(total)
        else expect(told, name).toBe(total)
      }
    })
    await fc.assert(property, { numRuns: 100 })
    expect(spans.all).toEqual([])
  })
})

function startsLate({ steps }: RandomTree): boolean {
  const end = steps.findIndex(({ kind, index }) => kind === 'end' && index === -1)
  return steps.some(({ kind }, at) => kind === 'start' && at > end)
}

function doubling(least: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, at) => least * 2 ** at)
}

it('metrics of a NodeSDK tell of runs that are open when it is shut down', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const sdk = new NodeSDK({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [new RunRollupProcessor({ metrics: true, prices: 'none' })],
    metricReaders: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    instrumentations: [],
    autoDetectResources: false,
  })
  sdk.start()
  try {
    const told: Record<string, unknown> = {}
    exporter.shutdown = () => {
      for (const { scopeMetrics } of exporter.getMetrics())
        for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics: all }) => all))
          told[descriptor.name] = dataPoints.map(({ attributes, value }) => [attributes['runspan.run.status'], value])
      return Promise.resolve()
    }
    startRun('planner').with(() => emitSpans([chat(5)]))
    await sdk.shutdown()
    expect(told['runspan.runs']).toEqual([['abandoned', 1]])
    expect(told[inputTokens]).toEqual([[undefined, 5]])
  } finally {
    for (const api of [trace, context, propagation, metrics]) api.disable()
  }
})

describe('the option', () => {
  it('reports nothing unless asked', async () => {
    const recorded = new RecordedMetrics()
    metrics.setGlobalMeterProvider(recorded.provider)
    try {
      await using spans = recordSpans({ rollup: { prices: 'none' } })
      await wrapAgent('planner', () => emitSpans([chat(1)]))
      expect(await recorded.descriptions()).toEqual({})
      expect(spans.all).toHaveLength(2)
    } finally {
      metrics.disable()
    }
  })

  it('reports through the registered provider, also where that comes later', async () => {
    const recorded = new RecordedMetrics()
    await using spans = recordSpans({ rollup: { metrics: true, prices: 'none' } })
    await wrapAgent('planner', () => emitSpans([chat(1)]))
    metrics.setGlobalMeterProvider(recorded.provider)
    try {
      await wrapAgent('planner', () => emitSpans([chat(2)]))
      expect(await recorded.sum(inputTokens)).toBe(2)
      expect(spans.all).toHaveLength(4)
    } finally {
      metrics.disable()
    }
  })

  it('refuses what is no meter provider', () => {
    expect(() => new RunRollupProcessor({ metrics: 'yes' as never })).toThrow(
      'Failed to configure metrics: yes cannot be used. Use true, false or a meter provider.',
    )
  })
})
