import { ROOT_CONTEXT, SpanKind, createTraceState, trace, type SpanContext } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { RunSampler, RunSamplingProcessor, endRun, joinRun, startRun, wrapAgent, withSpan } from '../../src/index.ts'
import { chat, emitSpans, startForeign } from '../support/emit-spans.ts'
import { playTree, priceOfTrees } from '../support/play-tree.ts'
import { randomTrees } from '../support/random-tree.ts'
import { recordSpans } from '../support/record-spans.ts'
import { SampledProcess } from '../support/sampled-process.ts'

const samplers: Readonly<Record<string, Sampler>> = {
  'TraceIdRatio 0.01': new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.01) }),
  'ParentBased(AlwaysOff)': new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  'a sampler that drops every other span': dropsEveryOther(),
}

function dropsEveryOther(): Sampler {
  let asked = 0
  return { shouldSample: () => ({ decision: asked++ % 2 === 0 ? 0 : 2 }), toString: () => 'every other' }
}

/** A filter in front of the exporter, as people write it against noise. */
function withoutCalls(exporting: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, parent) => exporting.onStart(span, parent),
    onEnd: (span) => {
      if (span.kind !== SpanKind.CLIENT && span.name !== 'leaf') exporting.onEnd(span)
    },
    forceFlush: () => exporting.forceFlush(),
    shutdown: () => exporting.shutdown(),
  }
}

describe('totals of runs', () => {
  const rollup = { prices: priceOfTrees }

  it('are those of an unsampled process under every sampler, for any tree of spans', { timeout: 60_000 }, async () => {
    await using registered = recordSpans()
    const unsampled = new SampledProcess({ rollup })
    const sampled = Object.entries(samplers).map(
      ([name, sampler]) => [name, new SampledProcess({ rollup, sampler: new RunSampler(sampler) })] as const,
    )
    const filtered = new SampledProcess({ rollup, around: withoutCalls })
    const both = new SampledProcess({
      rollup,
      sampler: new RunSampler(samplers['TraceIdRatio 0.01']!),
      around: withoutCalls,
    })
    const processes = [...sampled, ['a filter', filtered] as const, ['a ratio and a filter', both] as const]
    const property = fc.asyncProperty(randomTrees(12), async (tree) => {
      const run = playTree(tree, unsampled.tracer)
      await unsampled.provider.forceFlush()
      const expected = unsampled.numbersOf(run.runId)
      expect(expected.length).toBeGreaterThan(0)
      for (const [name, process] of processes) {
        const { runId } = playTree(tree, process.tracer)
        await process.provider.forceFlush()
        expect(process.numbersOf(runId), name).toEqual(expected)
        if (process === filtered) expect(process.numbersOf(runId, process.exported), 'exported').toEqual(expected)
        process.reset()
      }
      unsampled.reset()
    })
    await fc.assert(property, { numRuns: 100 })
    expect(registered.all).toEqual([])
  })

  it('would be lost without RunSampler', async () => {
    await using registered = recordSpans()
    const dropping = new SampledProcess({ sampler: samplers['ParentBased(AlwaysOff)']! })
    const { ended } = await wrapAgent('planner', () => emitSpans([chat(100)]), { tracer: dropping.tracer })
    expect((await ended).totals.inputTokens).toBe(0)
    expect(dropping.seen).toEqual([])
    expect(registered.all).toEqual([])
  })

  it('are known to the application whatever the sampler says, and nothing more is exported', async () => {
    await using recorded = recordSpans({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const { ended } = await wrapAgent('planner', async (run) => {
      expect(run.recorded).toBe(true)
      emitSpans([chat(100, 10)])
      withSpan('critic', () => emitSpans([chat(7)]), { type: 'agent' })
      await wrapAgent('executor', () => emitSpans([chat(1000)]))
    })
    expect((await ended).totals).toMatchObject({ inputTokens: 107, outputTokens: 10, llmCalls: 2, complete: true })
    expect(recorded.all).toEqual([])
  })

  it('hold what a server span of the same process does, where its parent was dropped on the wire', async () => {
    await using registered = recordSpans({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const { ended } = await wrapAgent('planner', (run) => {
      // What an HTTP server instrumentation makes of the headers: a remote parent that is not sampled.
      const remote: SpanContext = { traceId: run.runId, spanId: run.spanId, traceFlags: 0, isRemote: true }
      const server = startForeign(
        { name: 'GET /find', kind: SpanKind.SERVER },
        trace.setSpanContext(ROOT_CONTEXT, remote),
      )
      emitSpans([chat(5)], trace.setSpan(ROOT_CONTEXT, server))
      server.end()
    })
    expect((await ended).totals).toMatchObject({ inputTokens: 5, spans: 3 })
    expect(registered.all).toEqual([])
  })

  it('of a segment are kept where the caller says that the run is not sampled', async () => {
    await using registered = recordSpans({
      sampler: new RunSampler(new ParentBasedSampler({ root: new AlwaysOnSampler() })),
    })
    const caller = new SampledProcess({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const run = startRun('planner', { tracer: caller.tracer })
    const ref = run.ref
    run.end()
    expect(ref.traceparent).toMatch(/-00$/)
    const segment = joinRun(ref, () => {
      emitSpans([chat(30)])
      return trace.getActiveSpan() as unknown as ReadableSpan
    })
    expect(segment.attributes).toMatchObject({ 'runspan.rollup.scope': 'segment', 'runspan.usage.input_tokens': 30 })
    expect(registered.all).toEqual([])
  })

  it('go on in a run that another process ends, and that stays unsampled there', async () => {
    const roots: ReadableSpan[] = []
    await using registered = recordSpans({
      sampler: new RunSampler(new AlwaysOnSampler()),
      processors: [keepsIn(roots)],
    })
    const opener = new SampledProcess({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const run = startRun('import', { tracer: opener.tracer })
    run.with(() => opener.tracer.startSpan('chat', chat(11)).end())
    expect(endRun(run.handOff(), { status: 'failed' })).toBe(true)
    expect(roots.map((root) => root.attributes)).toMatchObject([
      { 'runspan.run.status': 'failed', 'runspan.usage.input_tokens': 11, 'runspan.calls.llm': 1 },
    ])
    expect(registered.all).toEqual([])
  })
})

function keepsIn(spans: ReadableSpan[]): SpanProcessor {
  return {
    onStart: () => {},
    onEnd: (span) => void spans.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
}

describe('RunSampler', () => {
  it('leaves spans outside of runs to the sampler inside', async () => {
    await using registered = recordSpans()
    const process = new SampledProcess({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const span = process.tracer.startSpan('GET /health')
    const child = process.tracer.startSpan('query', {}, trace.setSpan(ROOT_CONTEXT, span))
    expect([span.isRecording(), child.isRecording()]).toEqual([false, false])
    expect(process.seen).toEqual([])
    expect(registered.all).toEqual([])
  })

  it('tells other services that an unsampled run is not sampled, and that it is a run', async () => {
    await using registered = recordSpans({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const { result: ref, runId } = await wrapAgent('planner', (run) => run.ref)
    expect(ref.traceparent).toMatch(/-00$/)
    expect(ref.tracestate).toBe(`runspan=${runId.slice(16)}`)
    expect(registered.all).toEqual([])
  })

  it('keeps attributes and trace state that the sampler inside adds', async () => {
    await using registered = recordSpans()
    const traceState = createTraceState('ot=th:8')
    const inner: Sampler = {
      shouldSample: () => ({ decision: 0, attributes: { 'app.rule': 'none' }, traceState }),
      toString: () => 'inner',
    }
    const process = new SampledProcess({ sampler: new RunSampler(inner) })
    const run = startRun('planner', { tracer: process.tracer })
    const child = startRun('executor', { tracer: process.tracer, parentRunId: run.runId })
    child.end()
    run.end()
    for (const root of process.seen) {
      expect(root.attributes['app.rule']).toBe('none')
      expect(root.spanContext().traceState!.get('ot')).toBe('th:8')
    }
    expect(process.seen).toHaveLength(2)
    expect(registered.all).toEqual([])
  })

  it('records the root that an adopting processor makes a run of', async () => {
    await using registered = recordSpans()
    const process = new SampledProcess({
      sampler: new RunSampler(new AlwaysOffSampler()),
      rollup: { adopt: 'agents' },
    })
    const root = process.tracer.startSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } })
    const call = process.tracer.startSpan('chat', chat(9), trace.setSpan(ROOT_CONTEXT, root))
    call.end()
    root.end()
    expect(process.numbersOf(root.spanContext().traceId)).toMatchObject([{ 'runspan.usage.input_tokens': 9 }])
    expect(process.exported).toEqual([])
    expect(registered.all).toEqual([])
  })

  it('records an agent that nobody wrapped below a server span that is dropped, and calls that name it by id alone', async () => {
    await using registered = recordSpans()
    const process = new SampledProcess({
      sampler: new RunSampler(new AlwaysOffSampler()),
      rollup: { adopt: 'agents' },
      around: (exporting) => new RunSamplingProcessor(exporting),
    })
    const server = process.tracer.startSpan('POST /chat', { kind: SpanKind.SERVER })
    const attributes = { 'openinference.span.kind': 'CHAIN' }
    const agent = process.tracer.startSpan('agent', { attributes }, trace.setSpan(ROOT_CONTEXT, server))
    // LangChain's tracer keeps contexts of spans, not the spans.
    const byId = trace.setSpanContext(ROOT_CONTEXT, agent.spanContext())
    process.tracer.startSpan('chat', chat(9), byId).end()
    const elsewhere = { ...agent.spanContext(), spanId: '1'.repeat(16) }
    expect(process.tracer.startSpan('chat', chat(9), trace.setSpanContext(ROOT_CONTEXT, elsewhere)).isRecording()).toBe(
      false,
    )
    agent.end()
    server.end()
    expect(server.isRecording()).toBe(false)
    expect(process.exported.map((span) => [span.name, span.attributes['runspan.usage.input_tokens']])).toEqual([
      ['agent', 9],
    ])
    expect(registered.all).toEqual([])
  })

  it('names the sampler inside', () => {
    expect(String(new RunSampler(new AlwaysOffSampler()))).toBe('RunSampler{AlwaysOffSampler}')
  })

  it('refuses what is no sampler', () => {
    expect(() => new RunSampler('always_on' as never)).toThrow('Failed to make a RunSampler: always_on cannot be used.')
  })

  it('lets a sampler that throws cost no run', async () => {
    const throwing: Sampler = {
      shouldSample: () => {
        throw new Error('broken')
      },
      toString: () => 'throwing',
    }
    await using registered = recordSpans({ sampler: new RunSampler(throwing) })
    const { result } = await wrapAgent('planner', () => 'done')
    expect(result).toBe('done')
    expect(registered.all).toEqual([])
  })
})
